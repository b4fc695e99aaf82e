package sandbox

import (
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// always are the signals that are passed on to the target whenever they come.
var always = [...]os.Signal{unix.SIGHUP, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGCONT}

// fromTerminal are the signals that a terminal sends to every process of its
// foreground group, sandrun and target alike: passing them on would make two.
var fromTerminal = [...]os.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP}

// An action is struct sigaction of the kernel, or larger: the handler is its first
// field on every architecture.
type action [8]uintptr

const (
	ignoreAction = 1 // SIG_IGN
)

// signalAction reads the disposition of a signal, and sets it if a new one is
// given. Package os/signal knows only what the Go runtime set up.
//
//go:nosplit
//go:norace
func signalAction(s uintptr, set, old *action) {
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, s, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
}

// held are the handlers of the Go runtime that were taken off for a launch.
type held map[syscall.Signal]action

// holdSignals gives the signals that are to be forwarded their ordinary effect.
// What is ignored stays ignored, here and in the target.
func holdSignals() held {
	h := held{}
	for _, list := range [][]os.Signal{always[:], fromTerminal[:]} {
		for _, s := range list {
			var old, none action
			sig := s.(syscall.Signal)
			if signalAction(uintptr(sig), nil, &old); old[0] == ignoreAction {
				continue
			}
			signalAction(uintptr(sig), &none, nil)
			h[sig] = old
		}
	}
	return h
}

// forward passes on what sandrun is sent while its target runs, once the pid is
// known. To begin takes the Go runtime half a millisecond of two threads, so it
// begins beside the launch; a signal that comes before has its ordinary effect
// and ends sandrun and its target.
func (h held) forward(target <-chan int) {
	c := make(chan os.Signal, 64)
	for s, handler := range h {
		// For the signals that the runtime handles from its start, Notify does not
		// install its handler again.
		if signal.Notify(c, s); handler[0] > ignoreAction {
			signalAction(uintptr(s), &handler, nil)
		}
	}
	pid := <-target
	// Whether the terminal sends its signals here changes only where a job is
	// stopped or continued. To look when a signal is dealt with would be too late:
	// the job may just have ended.
	foreground := inForeground()
	for s := range c {
		own := isFromTerminal(s) && foreground ||
			(s == unix.SIGCONT || s == unix.SIGTSTP) && jobControl.stopping.Load()
		if !own {
			// The target may have ended; there is nobody to tell.
			_ = unix.Kill(pid, s.(syscall.Signal))
		}
		switch s {
		case unix.SIGTSTP:
			jobControl.stops.Add(1)
		case unix.SIGCONT:
			foreground = inForeground()
			jobControl.continuing.Add(1)
		}
	}
}

func isFromTerminal(s os.Signal) bool {
	for _, t := range fromTerminal {
		if s == t {
			return true
		}
	}
	return false
}

// inForeground tells whether sandrun is in the foreground group of its
// controlling terminal.
func inForeground() bool {
	fd, err := openTerminal()
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// hasTerminal tells whether sandrun has a controlling terminal.
func hasTerminal() bool {
	fd, err := openTerminal()
	if err == nil {
		unix.Close(fd)
	}
	return err == nil
}

func openTerminal() (int, error) {
	return unix.Open("/dev/tty", unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
}
