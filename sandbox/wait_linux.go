package sandbox

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// jobControl is what the two threads that deal with stops tell each other: the
// one that waits for the target, and the one that forwards signals.
var jobControl struct {
	stopping  atomic.Bool  // sandrun stops with its target; the SIGCONT that ends it is not for the target
	continued atomic.Int32 // how many SIGCONT the forwarder has dealt with
}

// reaping is held while a child is taken off the process table. Whoever kills by
// pid holds it too, since a pid that was reaped may belong to somebody else.
var reaping sync.Mutex

// A change is what waitid(2) tells of a child: siginfo_t, as both architectures
// lay it out.
type change struct {
	signo, errno, code, _ int32
	pid                   int32
	uid                   uint32
	status                int32
	_                     [100]byte
}

// The codes of a change that is no end; from include/uapi/asm-generic/siginfo.h.
const (
	trapped = 4 // CLD_TRAPPED
	stopped = 5 // CLD_STOPPED
)

func (c *change) ended() bool { return c.code != trapped && c.code != stopped }

// peek waits for a change of a child, without reaping it.
func peek(kind, pid, options int) (c change, e syscall.Errno) {
	_, _, e = syscall.Syscall6(unix.SYS_WAITID, uintptr(kind), uintptr(pid),
		uintptr(unsafe.Pointer(&c)), uintptr(options|unix.WNOWAIT), 0, 0)
	return c, e
}

// reap takes what is known of a child off the process table, and waits for its
// end if need be.
func reap(pid, options int) (status syscall.WaitStatus) {
	reaping.Lock()
	defer reaping.Unlock()
	for {
		if _, err := syscall.Wait4(pid, &status, options, nil); err != syscall.EINTR {
			return status
		}
	}
}

// wait waits for the end of the target, and reaps its orphans meanwhile. It leaves
// the target itself on the process table, so that its pid belongs to nobody else
// while processes live whose filter lets them signal that pid. When job control
// stops the target, sandrun stops as well, so that the shell above sees one job. A
// target that stops by another cause (SIGSTOP) may be continued from inside, so
// sandrun stays.
func wait(pid int) {
	for {
		c, e := peek(unix.P_ALL, 0, unix.WEXITED|unix.WSTOPPED)
		switch {
		case e == unix.EINTR:
			if killed.Load() {
				return
			}
		case e != 0 || int(c.pid) == pid && c.ended():
			return
		case int(c.pid) != pid:
			reap(int(c.pid), syscall.WNOHANG|syscall.WUNTRACED)
		case takeStop(pid) && hasTerminal():
			stopSelf()
			awaitContinue(pid)
		}
	}
}

// takeStop takes note of a stop, so that it is not told again, and tells whether it is
// one by job control. SIGSTOP is none, nor is the stop of an execve that is watched.
func takeStop(pid int) bool {
	var c change
	_, _, e := syscall.Syscall6(unix.SYS_WAITID, unix.P_PID, uintptr(pid),
		uintptr(unsafe.Pointer(&c)), unix.WSTOPPED|unix.WNOHANG, 0, 0)
	return e == 0 && c.code == stopped && syscall.Signal(c.status) != unix.SIGSTOP
}

// stopSelf stops sandrun until somebody continues it, and until the forwarder has
// dealt with that: found later, it would be taken for the target's.
func stopSelf() {
	jobControl.stopping.Store(true)
	before := jobControl.continued.Load()
	_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
	for range 50 {
		if jobControl.continued.Load() != before {
			break
		}
		time.Sleep(time.Millisecond)
	}
	jobControl.stopping.Store(false)
}

// awaitContinue sees to it that the target goes on when sandrun does. A shell
// continues the whole group; if that did not reach the target, whoever continued
// sandrun meant it.
func awaitContinue(pid int) {
	for range 50 {
		c, e := peek(unix.P_PID, pid, unix.WEXITED|unix.WSTOPPED|unix.WCONTINUED|unix.WNOHANG)
		if e != 0 || c.pid != 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	_ = unix.Kill(pid, unix.SIGCONT)
}

// outcome says how the target ended.
func outcome(s syscall.WaitStatus) Outcome {
	if s.Signaled() {
		return Outcome{Signal: s.Signal()}
	}
	return Outcome{Status: s.ExitStatus()}
}
