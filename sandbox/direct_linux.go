package sandbox

import (
	"errors"
	"math"
	"os"
	"runtime/debug"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// The two threads of a direct launch leave the Go runtime, as a thread in a
// system call does, for as long as they deal with each other: the one that seals
// itself, whose execve waits for an answer, and the one that answers. Neither
// holds a P then or needs one, so that nothing that the runtime does (collecting
// garbage, stopping the world, taking a P away) waits for them or keeps them
// waiting. In between they may only make raw calls, without growing the stack.

//go:linkname enterSyscall runtime.entersyscall
func enterSyscall()

//go:linkname exitSyscall runtime.exitsyscall
func exitSyscall()

// runDirect seals the calling thread, which is the main thread, and executes
// the target in its place: same pid, no parent. It returns only on failure.
//
//go:nosplit
//go:norace
func runDirect(s *sealing) report {
	enterSyscall()
	letSignalsKill()
	s.mask = blockSignals()
	r := s.seal()
	setSignals(s.mask)
	exitSyscall()
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

// watchdog bounds the wait for a report or a notification: a launch that hangs is
// a defect, and ends in an error instead.
const watchdog = 5 * time.Second

// delayAnswer holds the first answer up; the tests set it.
var delayAnswer unix.Timespec

// answerFirst waits on an unsealed thread for the listener and lets the one
// execve pass. That exec kills this thread and closes the listener, and from
// then on the kernel answers every further execve with ENOSYS.
func answerFirst(reports int) {
	if !answerRaw(reports) {
		fatal(errors.New("the sealed thread did not get to its execve within 5 seconds"))
	}
}

// answerRaw tells whether there was something to answer in time.
//
//go:nosplit
//go:norace
func answerRaw(reports int) bool {
	enterSyscall()
	timely := passFirst(reports)
	exitSyscall()
	return timely
}

// passFirst receives notifications until an answer has arrived. A signal cancels
// a notification that nobody has received yet; the call then comes again.
//
//go:nosplit
//go:norace
func passFirst(reports int) bool {
	var r report
	if !pollIn(reports) {
		return false
	}
	n, _, e := syscall.RawSyscall(unix.SYS_READ, uintptr(reports), uintptr(unsafe.Pointer(&r)), unsafe.Sizeof(r))
	if e != 0 || n != unsafe.Sizeof(r) || r.stage != stageListening {
		return true // the sealed thread has failed, and says so itself
	}
	l := listener.Listener(r.value)
	for {
		if !pollIn(int(l)) {
			return false
		}
		if delayAnswer.Nsec != 0 {
			raw(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&delayAnswer)), 0, 0)
		}
		var n listener.Notification
		if l.ReceiveRaw(&n) == 0 && l.Continue(n.ID) == 0 {
			return true
		}
	}
}

// pollIn waits until a descriptor can be read, or the watchdog barks.
//
//go:nosplit
//go:norace
func pollIn(fd int) bool {
	fds := unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	limit := unix.Timespec{Sec: int64(watchdog / time.Second)} // the kernel writes what is left of it
	for {
		n, _, e := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds)), 1, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
		if e != unix.EINTR {
			return e == 0 && n == 1
		}
	}
}

// readReport waits for the next report; a zero report means that the pipe broke.
func readReport(fd int) (r report) {
	b := unsafe.Slice((*byte)(unsafe.Pointer(&r)), unsafe.Sizeof(r))
	for {
		n, err := unix.Read(fd, b)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != len(b) {
			return report{}
		}
		return r
	}
}
