package sandbox

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// forwarded are the signals that are passed on to the target.
var forwarded = [...]syscall.Signal{
	unix.SIGHUP, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGCONT, unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP,
}

// fromTerminal are those that a terminal sends to every process of its foreground
// group, sandrun and target alike: passing them on would make two.
var fromTerminal = [...]syscall.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP}

// An action is struct sigaction of the kernel; amd64 and arm64 lay it out alike.
type action struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

const (
	ignoreAction = 1          // SIG_IGN
	restart      = 0x10000000 // SA_RESTART
	onStack      = 0x08000000 // SA_ONSTACK: the stack of a goroutine is too small
	withInfo     = 4          // SA_SIGINFO
	withRestorer = 0x04000000 // SA_RESTORER
	byKernel     = 0x80       // SI_KERNEL: what a terminal sends; kill(2) has SI_USER
)

// signalAction reads the disposition of a signal, and sets it if a new one is
// given.
//
//go:nosplit
//go:norace
func signalAction(s uintptr, set, old *action) {
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, s, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
}

// signalPipe is where the handler writes.
//
//lint:ignore U1000 the assembler reads it
var signalPipe int

// handler returns the addresses of the handler and of what it returns to.
func handler() (handle, restore uintptr)

// A received is what the handler writes of a signal.
type received struct {
	signal uint32
	code   int32
}

// catchSignals takes over the signals that are to be forwarded, and returns where
// they can be read. What is ignored stays ignored, here and in the target.
//
// Package os/signal would do, but to begin takes it half a millisecond of two
// threads, as long as everything else that a launch adds to its target; and it
// does not tell who sent a signal.
func catchSignals() (int, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return -1, fmt.Errorf("pipe: %w", err)
	}
	if err := unix.SetNonblock(pipe[1], true); err != nil {
		return -1, fmt.Errorf("pipe: %w", err)
	}
	signalPipe = pipe[1]
	handle, restore := handler()
	ours := action{handler: handle, flags: restart | onStack | withInfo, restorer: restore}
	if restore != 0 {
		ours.flags |= withRestorer
	}
	for _, s := range forwarded {
		var old action
		if signalAction(uintptr(s), nil, &old); old.handler != ignoreAction {
			signalAction(uintptr(s), &ours, nil)
		}
	}
	return pipe[0], nil
}

// forwardSignals passes on what sandrun is sent while its target runs.
func forwardSignals(pipe, pid int) {
	for {
		var r received
		b := unsafe.Slice((*byte)(unsafe.Pointer(&r)), unsafe.Sizeof(r))
		n, err := unix.Read(pipe, b)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != len(b) { // nobody closes the other end
			return
		}
		s := syscall.Signal(r.signal)
		if s == interruption {
			continue
		}
		own := r.code == byKernel && slices.Contains(fromTerminal[:], s) ||
			s == unix.SIGCONT && jobControl.stopping.Load()
		if !own {
			// The target may have ended; there is nobody to tell.
			_ = unix.Kill(pid, s)
		}
		if s == unix.SIGCONT {
			jobControl.continued.Add(1)
		}
	}
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

// interruption is a signal that only ends a blocking call of one of our threads. The
// Go runtime and the C libraries use none so high.
const interruption = syscall.Signal(62)

func catchInterruption() {
	handle, restore := handler()
	ours := action{handler: handle, flags: onStack | withInfo, restorer: restore} // and no SA_RESTART
	if restore != 0 {
		ours.flags |= withRestorer
	}
	signalAction(uintptr(interruption), &ours, nil)
}

// caught tells whether the signal of an interruption is caught.
var caught sync.Once

// interrupt makes the call that a thread of ours blocks in fail with EINTR.
func interrupt(tid int) {
	caught.Do(catchInterruption)
	_ = unix.Tgkill(os.Getpid(), tid, interruption)
}
