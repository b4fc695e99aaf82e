//go:build linux && race

package sandbox

// shareMemory is nothing under the race detector: it instruments the wrapper
// through which the assembler enters sealChild, whatever the directives there
// say, and that code must not run on shared memory.
const shareMemory = 0
