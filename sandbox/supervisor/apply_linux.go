package supervisor

import (
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// What a change does once its places are pinned and judged.

func mkdir(mode int) func(*server, *listener.Notification, *place, *place) syscall.Errno {
	return func(_ *server, n *listener.Notification, at, _ *place) syscall.Errno {
		return result(unix.Mkdirat(at.dir, at.name, uint32(n.Args[mode])))
	}
}

// unlink removes a name; without an argument for flags, the flags are fixed.
func unlink(flags int8) func(*server, *listener.Notification, *place, *place) syscall.Errno {
	return func(_ *server, n *listener.Notification, at, _ *place) syscall.Errno {
		return result(unix.Unlinkat(at.dir, at.name, int(int32(n.Args[flags]))))
	}
}

func symlink(s *server, n *listener.Notification, at, _ *place) syscall.Errno {
	target, e := s.memory.text(n.PID, n.Args[0], pathMax, unix.ENAMETOOLONG)
	if e != 0 {
		return e
	}
	if !s.listener.Valid(n.ID) {
		return unix.EINTR
	}
	return result(unix.Symlinkat(target, at.dir, at.name))
}

// mknod makes FIFOs, sockets and regular files. The filter refuses devices, and
// setuid and setgid bits.
func mknod(mode int) func(*server, *listener.Notification, *place, *place) syscall.Errno {
	return func(_ *server, n *listener.Notification, at, _ *place) syscall.Errno {
		bits := uint32(n.Args[mode])
		if kind := bits & unix.S_IFMT; kind == unix.S_IFCHR || kind == unix.S_IFBLK || bits&setID != 0 {
			return unix.EPERM
		}
		return result(unix.Mknodat(at.dir, at.name, bits, 0))
	}
}

func rename(flags int8) func(*server, *listener.Notification, *place, *place) syscall.Errno {
	return func(_ *server, n *listener.Notification, at, to *place) syscall.Errno {
		bits := uint(0)
		if flags >= 0 {
			bits = uint(uint32(n.Args[flags]))
		}
		return result(unix.Renameat2(at.dir, at.name, to.dir, to.name, bits))
	}
}

func link(_ *server, n *listener.Notification, at, to *place) syscall.Errno {
	flags := 0
	if n.Nr == unix.SYS_LINKAT {
		flags = int(int32(n.Args[4]))
	}
	if at.dir < 0 { // a file without a name
		return result(unix.Linkat(unix.AT_FDCWD, own(at.thing), to.dir, to.name, unix.AT_SYMLINK_FOLLOW))
	}
	return result(unix.Linkat(at.dir, at.name, to.dir, to.name, flags&^unix.AT_SYMLINK_FOLLOW))
}

// truncate opens the file itself: truncate(2) has no way to name it by a
// descriptor that does not follow links.
func truncate(s *server, n *listener.Notification, at, _ *place) syscall.Errno {
	if int64(n.Args[1]) < 0 {
		return unix.EINVAL
	}
	if at.isDir() {
		return unix.EISDIR
	}
	if at.kind() != unix.S_IFREG {
		return unix.EINVAL
	}
	r := request{flags: unix.O_WRONLY}
	fd, e := r.open(at, unix.O_WRONLY|unix.O_NONBLOCK)
	if e != 0 {
		return e
	}
	defer unix.Close(fd)
	if !s.isJudged(n, &r, at, fd) {
		return replaced
	}
	return result(unix.Ftruncate(fd, int64(n.Args[1])))
}
