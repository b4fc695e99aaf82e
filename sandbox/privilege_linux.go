package sandbox

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// dropCapabilities empties the capability sets of the calling thread, which is
// the one that execs or forks, and its bounding set. An ordinary user has none
// to drop, and that is found out cheaply. It tells whether there were any.
func dropCapabilities() (bool, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var have, none [2]unix.CapUserData
	if err := unix.Capget(&header, &have[0]); err != nil {
		return false, fmt.Errorf("capget: %w", err)
	}
	if have == none {
		return false, nil
	}
	for c := uintptr(0); ; c++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		// EINVAL: past the last capability that this kernel knows. Without
		// CAP_SETPCAP (EPERM) the bounding set stays, which gives nothing: with
		// no_new_privs an exec never adds to the permitted set.
		if err == unix.EINVAL || err == unix.EPERM {
			break
		}
		if err != nil {
			return true, fmt.Errorf("prctl(PR_CAPBSET_DROP): %w", err)
		}
	}
	if err := unix.Capset(&header, &none[0]); err != nil {
		return true, fmt.Errorf("capset: %w", err)
	}
	return true, nil
}

// enoughSignals is more than a launcher has threads.
const enoughSignals = 64

// dropEverywhere empties the capability sets of every thread: a supervisor has no
// more rights than its target. Capabilities belong to threads, which inherit them: it is
// done before there are many, and while none is at work that stopping would hold up.
func dropEverywhere() error {
	// The Go runtime reaches its threads by real-time signals, and waits for ever
	// where none can be queued.
	var pending unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_SIGPENDING, &pending); err != nil || pending.Cur < enoughSignals {
		return fmt.Errorf("capabilities cannot be dropped on every thread: the limit on pending signals (ulimit -i) is below %d", enoughSignals)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	_, _, errno := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none[0])), 0)
	runtime.KeepAlive(&header)
	runtime.KeepAlive(&none)
	if errno != 0 {
		return fmt.Errorf("capset: %w", errno)
	}
	return nil
}

// limitCores forbids core files. The limit is 1 and not 0: the kernel treats 1
// as "no core for a pipe handler either", while 0 still starts the handler,
// which runs as root outside of every sandbox.
func limitCores() error {
	one := unix.Rlimit{Cur: 1, Max: 1}
	err := unix.Setrlimit(unix.RLIMIT_CORE, &one)
	if err == unix.EPERM { // the hard limit is already 0: nothing may raise it
		return nil
	}
	return err
}

// Bits of personality(2), from include/uapi/linux/personality.h.
const (
	readImpliesExec  = 0x0400000
	addrNoRandomize  = 0x0040000
	queryPersonality = 0xffffffff
)

// clearPersonality takes off what would make readable memory executable, and
// under a program list what would let a file that the ELF interpreter maps name
// addresses of its stack and data: it maps before it can be stopped. The filter
// lets nobody set them again.
func clearPersonality(listed bool) error {
	now, _, errno := unix.RawSyscall(unix.SYS_PERSONALITY, queryPersonality, 0, 0)
	if errno != 0 {
		return errno
	}
	clear := uintptr(readImpliesExec)
	if listed {
		clear |= addrNoRandomize
	}
	if now&clear == 0 {
		return nil
	}
	if _, _, errno = unix.RawSyscall(unix.SYS_PERSONALITY, now&^clear, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// closeInherited makes every descriptor above 2 close at exec. Where one of 0
// to 2 was closed, the Go runtime has put /dev/null there at its start, so that
// no file that the target opens becomes its standard output.
func closeInherited() error {
	return unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
}
