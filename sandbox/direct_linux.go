package sandbox

import (
	"math"
	"os"
	"runtime/debug"
)

// runDirect seals the calling thread, which is the main thread, and executes
// the target in its place: same pid, no parent. It returns only on failure.
//
//go:nosplit
//go:norace
func runDirect(s *sealing) report {
	letSignalsKill()
	s.mask = blockSignals()
	r := s.seal()
	setSignals(s.mask)
	return r
}

// letSignalsKill takes the Go runtime's handlers off the signals that end a program.
// The exec ends every other thread, and with one that is about to carry such a signal
// out the signal would be lost; the kernel itself is not too late.
//
//go:nosplit
//go:norace
func letSignalsKill() {
	for i := range forwarded {
		var old, none action
		if signalAction(uintptr(forwarded[i]), nil, &old); old.handler > ignoreAction {
			signalAction(uintptr(forwarded[i]), &none, nil)
		}
	}
}

// A sealed thread whose execve has failed still has to say so, and cannot make a
// thread any more, which the runtime asks of it when garbage is to be collected.
// quietRuntime sees to it that this never comes: both switches matter, because a
// GOMEMLIMIT in the environment collects whatever GOGC says.
func quietRuntime() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(math.MaxInt64)
}

// fewRules is less than what takes a tenth of the 4 MiB that the runtime lets a
// heap have before it collects for the first time.
const fewRules = 256

// mayCollect tells whether garbage might ever be collected. To stop the world for
// quietRuntime takes 40 µs, and nearly no launch needs it.
func mayCollect(rules int) bool {
	_, gogc := os.LookupEnv("GOGC")
	_, limit := os.LookupEnv("GOMEMLIMIT")
	return gogc || limit || rules > fewRules
}
