package sandbox

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// jobControl is what the two threads that deal with stops tell each other: the
// one that waits for the target, and the one that forwards signals.
var jobControl struct {
	stopping  atomic.Bool  // sandrun stops with its target; the SIGCONT that ends it is not for the target
	continued atomic.Int32 // how many SIGCONT the forwarder has dealt with
}

// wait waits for the end of the target, and reaps its orphans meanwhile. When job
// control stops the target, sandrun stops as well, so that the shell above sees
// one job. A target that stops by another cause (SIGSTOP) may be continued from
// inside, so sandrun stays.
func wait(pid int) syscall.WaitStatus {
	for {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(-1, &status, syscall.WUNTRACED, nil)
		for err == nil && got == pid && status.Stopped() && status.StopSignal() != unix.SIGSTOP && hasTerminal() {
			stopSelf()
			got = continued(pid, &status)
		}
		if err != syscall.EINTR && (err != nil || got == pid && !status.Stopped()) {
			return status
		}
	}
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

// continued sees to it that the target goes on when sandrun does. A shell
// continues the whole group; if that did not reach the target, whoever continued
// sandrun meant it. It returns the target's pid and status if that has ended or
// stopped again meanwhile, else 0.
func continued(pid int, status *syscall.WaitStatus) int {
	for range 50 {
		got, err := syscall.Wait4(pid, status, syscall.WUNTRACED|syscall.WCONTINUED|syscall.WNOHANG, nil)
		if err == nil && got == pid {
			if status.Continued() {
				return 0
			}
			return pid
		}
		time.Sleep(time.Millisecond)
	}
	_ = unix.Kill(pid, unix.SIGCONT)
	return 0
}

// outcome says how the target ended.
func outcome(s syscall.WaitStatus) Outcome {
	if s.Signaled() {
		return Outcome{Signal: s.Signal()}
	}
	return Outcome{Status: s.ExitStatus()}
}
