package sandbox

import (
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// always are the signals that are passed on to the target whenever they come.
var always = [...]os.Signal{unix.SIGHUP, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGCONT}

// fromTerminal are the signals that a terminal sends to every process of its
// foreground group, sandrun and target alike: passing them on would make two.
var fromTerminal = [...]os.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP}

// grace is how long a target runs before its signals are forwarded. To begin
// takes the runtime half a millisecond of both its threads, in the middle of a
// launch. A signal that comes before has its ordinary effect and ends sandrun and
// its target, which has hardly begun to start and handles none.
const grace = 2 * time.Millisecond

// forwardSignals passes on what sandrun is sent while its target runs. What is
// ignored stays ignored, here and in the target.
func forwardSignals(pid int) {
	time.Sleep(grace)
	c := make(chan os.Signal, 64)
	for _, list := range [][]os.Signal{always[:], fromTerminal[:]} {
		for _, s := range list {
			if !ignored(s.(syscall.Signal)) {
				signal.Notify(c, s)
			}
		}
	}
	for s := range c {
		if isFromTerminal(s) && inForeground() {
			continue
		}
		// The target may have ended; there is nobody to tell.
		_ = unix.Kill(pid, s.(syscall.Signal))
	}
}

// ignored asks the kernel for the disposition of a signal: the Go runtime knows
// only of some. The handler is the first field of struct sigaction everywhere.
func ignored(s syscall.Signal) bool {
	var action [8]uintptr // larger than any
	_, _, e := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), 0, uintptr(unsafe.Pointer(&action)), 8, 0, 0)
	return e == 0 && action[0] == 1 // SIG_IGN
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
	fd, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
