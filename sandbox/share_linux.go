//go:build linux && !race

package sandbox

import "golang.org/x/sys/unix"

// shareMemory lets the child of a supervised launch share memory until exec.
const shareMemory = unix.CLONE_VM
