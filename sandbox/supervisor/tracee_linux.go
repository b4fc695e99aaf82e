package supervisor

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A tracee is a thread that is traced through one execve, so that what starts can
// be looked at before its first instruction. Whoever makes the call finds the file by
// a name, which could come to mean another one after it was looked at.
type tracee struct {
	tid int // the thread; after an execve its process's number, which it takes over
	pid int // its process
}

// seize begins to trace a thread that waits for an answer. It fails where somebody
// else traces the thread. If we die, its process does.
func seize(tid, pid int) (tracee, syscall.Errno) {
	return tracee{tid, pid}, Ptrace(unix.PTRACE_SEIZE, tid, unix.PTRACE_O_TRACEEXEC|unix.PTRACE_O_EXITKILL)
}

const (
	soonest = 50 * time.Microsecond // an execve takes some hundreds
	latest  = 2 * time.Millisecond
	// tooLong ends a process whose execve does not end: the exec waits for other threads,
	// and who traces one of those can keep it from ending.
	tooLong = 10 * time.Second
)

// started waits for the end of the execve that the thread was let go into. It
// tells whether a program has started, which it holds then; if not, the thread goes on.
//
// It asks again and again because the main thread waits for every child: two who
// wait for the same one take its changes from each other.
func (t *tracee) started() bool {
	// A thread whose execve fails stops at its end.
	Ptrace(unix.PTRACE_INTERRUPT, t.tid, 0)
	begin := now()
	for pause := soonest; ; pause = min(2*pause, latest) {
		sleep(pause)
		if now()-begin > int64(tooLong) {
			_ = unix.Kill(t.pid, unix.SIGKILL)
			return false
		}
		info, e := t.stop()
		switch {
		case e == 0 && info.event() == unix.PTRACE_EVENT_EXEC:
			return true
		case e == 0:
			t.release(info.signal())
			return false
		case t.gone():
			return false
		}
	}
}

// gone tells whether the thread has ended. One that executes takes over the number of
// its process, and ends the thread that had it.
func (t *tracee) gone() bool {
	if t.ours(t.tid) {
		return false
	}
	if t.tid == t.pid || !t.ours(t.pid) {
		return true
	}
	t.tid = t.pid
	return false
}

// ours tells whether we trace a thread: the kernel answers nobody else.
func (t *tracee) ours(tid int) bool { return Ptrace(unix.PTRACE_INTERRUPT, tid, 0) != unix.ESRCH }

// release lets the thread go, with the signal that it has stopped for.
func (t *tracee) release(signal syscall.Signal) syscall.Errno {
	return Ptrace(unix.PTRACE_DETACH, t.tid, uintptr(signal))
}

// A stopInfo is the siginfo_t of a stop, as both architectures lay it out.
type stopInfo struct {
	signo, _, code int32
	_              [116]byte
}

// event is the PTRACE_EVENT_ that a thread has stopped for, 0 for a signal.
func (i *stopInfo) event() int32 { return i.code >> 8 }

// signal is what a thread has stopped for on its way to it, 0 for an event.
func (i *stopInfo) signal() syscall.Signal {
	if i.event() > 0 {
		return 0
	}
	return syscall.Signal(i.signo)
}

// stop tells why the thread is stopped, or ESRCH if it is not.
func (t *tracee) stop() (info stopInfo, e syscall.Errno) {
	_, _, e = syscall.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GETSIGINFO, uintptr(t.tid), 0, uintptr(unsafe.Pointer(&info)), 0, 0)
	return info, e
}

// Ptrace is ptrace(2) without an address, which the requests that are made here have no
// use for. A traced thread answers only the thread that traces it.
func Ptrace(request, tid int, data uintptr) syscall.Errno {
	_, _, e := syscall.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), 0, data, 0, 0)
	return e
}

// sleep waits without giving up the thread, as time.Sleep would for a moment.
func sleep(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil)
}
