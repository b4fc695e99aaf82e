package supervisor

import (
	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// largeFile is O_LARGEFILE, which x/sys has as 0 on 64-bit machines.
const largeFile = 0x8000

// oldRequest reads the spellings that only old architectures have.
func oldRequest(n *listener.Notification) request {
	a := &n.Args
	if n.Nr == unix.SYS_CREAT {
		return request{base: unix.AT_FDCWD, addr: a[0], flags: unix.O_CREAT | unix.O_WRONLY | unix.O_TRUNC, mode: a[1]}
	}
	return request{base: unix.AT_FDCWD, addr: a[0], flags: a[1] & knownFlags, mode: a[2]}
}

// isOpen tells whether a call is a spelling of open.
func isOpen(nr int32) bool {
	switch nr {
	case unix.SYS_OPEN, unix.SYS_CREAT, unix.SYS_OPENAT, unix.SYS_OPENAT2:
		return true
	}
	return false
}
