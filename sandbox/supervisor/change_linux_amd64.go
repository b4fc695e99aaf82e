package supervisor

import (
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// oldChange knows the spellings that only old architectures have.
func oldChange(nr int32) (change, bool) {
	switch nr {
	case unix.SYS_MKDIR:
		return change{base: -1, path: 0, makes: true, apply: mkdir(1)}, true
	case unix.SYS_RMDIR:
		return change{base: -1, path: 0, apply: remove(unix.AT_REMOVEDIR)}, true
	case unix.SYS_UNLINK:
		return change{base: -1, path: 0, apply: remove(0)}, true
	case unix.SYS_SYMLINK:
		return change{base: -1, path: 1, makes: true, apply: symlink}, true
	case unix.SYS_MKNOD:
		return change{base: -1, path: 0, makes: true, apply: mknod(1)}, true
	case unix.SYS_RENAME:
		return change{base: -1, path: 0, second: &second{-1, 1}, apply: rename(-1)}, true
	case unix.SYS_LINK:
		return change{base: -1, path: 0, second: &second{-1, 1}, links: true, apply: link}, true
	}
	return change{}, false
}

// remove removes a name.
func remove(flags int) func(*server, *listener.Notification, *place, *place) syscall.Errno {
	return func(_ *server, _ *listener.Notification, at, _ *place) syscall.Errno {
		return result(unix.Unlinkat(at.dir, at.name, flags))
	}
}
