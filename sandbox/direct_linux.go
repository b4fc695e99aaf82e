package sandbox

import (
	"errors"
	"math"
	"runtime"
	"runtime/debug"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// runDirect seals the calling thread, which is the main thread, and executes
// the target in its place: same pid, no parent. It returns only on failure.
func runDirect(s *sealing) report {
	s.mask = blockSignals()
	r := s.seal()
	setSignals(s.mask)
	return r
}

// quietRuntime keeps the Go runtime from stopping the world, which would wait
// for the sealed thread while that waits for an answer. Both switches matter: a
// GOMEMLIMIT in the environment collects garbage whatever GOGC says. The answer
// needs a P of its own beside the one that the sealed thread keeps.
func quietRuntime() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(math.MaxInt64)
	if runtime.GOMAXPROCS(0) < 2 {
		runtime.GOMAXPROCS(2)
	}
}

// watchdog bounds the wait for the first notification: a launch that hangs is a
// defect, and ends in an error instead.
const watchdog = 5 * time.Second

// delayAnswer holds the first answer up; the tests set it.
var delayAnswer time.Duration

// answerFirst waits on an unsealed thread for the listener and lets the one
// execve pass. That exec kills this thread and closes the listener, and from
// then on the kernel answers every further execve with ENOSYS.
func answerFirst(reports int, ready chan<- report) {
	runtime.LockOSThread()
	ready <- report{}
	r := readReport(reports)
	if r.stage != stageListening {
		return
	}
	if !pollIn(int(r.value), watchdog) {
		fatal(errors.New("the sealed thread did not get to its execve within 5 seconds"))
	}
	if delayAnswer > 0 {
		time.Sleep(delayAnswer)
	}
	l := listener.Listener(r.value)
	for !passOne(l) {
	}
}

// passOne receives one notification and lets its call go ahead. A signal cancels
// a notification that nobody has received yet; the call then comes again.
func passOne(l listener.Listener) bool {
	var n listener.Notification
	return l.Receive(&n) == 0 && l.Continue(n.ID) == 0
}

// pollIn waits until a descriptor can be read.
func pollIn(fd int, limit time.Duration) bool {
	end := time.Now().Add(limit)
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, int(time.Until(end).Milliseconds()))
		if err != unix.EINTR {
			return n == 1
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
