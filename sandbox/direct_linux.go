package sandbox

import (
	"math"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// carryOut waits until no other thread carries a signal out. One that the Go runtime's
// handler has taken, and that ends the program a moment later, would be lost with its
// thread, which the exec ends. Handlers run with every signal blocked. To look takes 0.05
// ms, and a handler that nobody interrupts is done long before.
func carryOut() {
	for range 200 { // 20 ms: no handler takes as long
		if !interrupted() || !handling() {
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// interrupted tells whether another thread ever had to leave its processor to others.
func interrupted() bool {
	var all, own unix.Rusage // this thread first: what it leaves in between must not hide another's
	return unix.Getrusage(unix.RUSAGE_THREAD, &own) != nil || unix.Getrusage(unix.RUSAGE_SELF, &all) != nil || all.Nivcsw > own.Nivcsw
}

// handling tells whether another thread of this process has other signals blocked than
// this one.
func handling() bool {
	dir, err := unix.Open("/proc/self/task", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(dir)
	var b [1024]byte // some 40 entries; a launcher has four threads
	n, err := unix.ReadDirent(dir, b[:])
	if err != nil {
		return false
	}
	var own unix.Sigset_t
	if unix.PthreadSigmask(unix.SIG_BLOCK, nil, &own) != nil {
		return false
	}
	mask := strconv.FormatUint(own.Val[0]&(1<<31-1), 10) // all that the kernel shows
	_, _, tids := unix.ParseDirent(b[:n], -1, nil)
	return slices.ContainsFunc(tids, func(tid string) bool {
		other := blocked(dir, tid)
		return other != "" && other != mask
	})
}

// blocked is the mask of a thread, as /proc/PID/task/TID/stat writes it; "" of none.
func blocked(dir int, tid string) string {
	fd, err := unix.Openat(dir, tid+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var b [1024]byte
	n, err := unix.Read(fd, b[:])
	if err != nil {
		return ""
	}
	const field = 32 - 2 // counted from the end of the name, the second
	text := string(b[:n])
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < field {
		return ""
	}
	return fields[field-1]
}

// runDirect seals the calling thread, which is the main thread, and executes
// the target in its place: same pid, no parent. It returns only on failure.
//
//go:nosplit
//go:norace
func runDirect(s *sealing) report {
	s.mask = blockSignals()
	r := s.seal()
	setSignals(s.mask)
	return r
}

// letSignalsKill takes the Go runtime's handlers off the signals that end a program.
// The exec ends every other thread, and with one that is about to carry such a signal
// out the signal would be lost; the kernel itself is not too late.
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
