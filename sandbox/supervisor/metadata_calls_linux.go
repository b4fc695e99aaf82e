package supervisor

import (
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// A call says where a metadata call has its file, and how it is carried out on
// a pinned descriptor.
type call struct {
	base     int8 // argument that holds a descriptor, or -1: the working directory
	path     int8 // argument that points to a path, or -1: the descriptor itself is meant
	flags    int8 // argument that holds AT_ flags, or -1
	nofollow bool // a symbolic link itself is meant
	nullPath bool // a null path means the descriptor
	apply    func(*server, *listener.Notification, int) syscall.Errno
}

// meansDescriptor tells whether the call is about a descriptor and no path.
func (c *call) meansDescriptor(n *listener.Notification) bool {
	return c.path < 0 || c.nullPath && n.Args[c.path] == 0
}

// metadataCall knows the spellings that every architecture has, and asks for the old
// ones. It is no table, because one of functions would be made at every start.
func metadataCall(n *listener.Notification) (call, bool) {
	switch n.Nr {
	case unix.SYS_FCHMOD:
		return call{base: 0, path: -1, flags: -1, apply: chmod(1)}, true
	case unix.SYS_FCHMODAT:
		return call{base: 0, path: 1, flags: -1, apply: chmod(2)}, true
	case unix.SYS_FCHMODAT2:
		return call{base: 0, path: 1, flags: 3, apply: chmod(2)}, true
	case unix.SYS_FCHOWN:
		return call{base: 0, path: -1, flags: -1, apply: chown(1)}, true
	case unix.SYS_FCHOWNAT:
		return call{base: 0, path: 1, flags: 4, apply: chown(2)}, true
	case unix.SYS_UTIMENSAT:
		return call{base: 0, path: 1, flags: 3, nullPath: true, apply: times(2, nanoseconds)}, true
	case unix.SYS_SETXATTR:
		return call{base: -1, path: 0, flags: -1, apply: setxattr}, true
	case unix.SYS_LSETXATTR:
		return call{base: -1, path: 0, flags: -1, nofollow: true, apply: setxattr}, true
	case unix.SYS_FSETXATTR:
		return call{base: 0, path: -1, flags: -1, apply: setxattr}, true
	case unix.SYS_REMOVEXATTR:
		return call{base: -1, path: 0, flags: -1, apply: removexattr(1)}, true
	case unix.SYS_LREMOVEXATTR:
		return call{base: -1, path: 0, flags: -1, nofollow: true, apply: removexattr(1)}, true
	case unix.SYS_FREMOVEXATTR:
		return call{base: 0, path: -1, flags: -1, apply: removexattr(1)}, true
	case unix.SYS_SETXATTRAT:
		return call{base: 0, path: 1, flags: 2, apply: setxattrat}, true
	case unix.SYS_REMOVEXATTRAT:
		return call{base: 0, path: 1, flags: 2, apply: removexattr(3)}, true
	case unix.SYS_IOCTL:
		return call{base: 0, path: -1, flags: -1, apply: setFlags}, true
	}
	return oldMetadataCall(n.Nr)
}

// result turns the error of a call into its errno.
func result(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	return err.(syscall.Errno)
}

func chmod(mode int) func(*server, *listener.Notification, int) syscall.Errno {
	return func(_ *server, n *listener.Notification, fd int) syscall.Errno {
		bits := uint32(n.Args[mode])
		if bits&(unix.S_ISUID|unix.S_ISGID) != 0 { // the filter refuses them already
			return unix.EPERM
		}
		return result(unix.Chmod(own(fd), bits&0o7777))
	}
}

func chown(uid int) func(*server, *listener.Notification, int) syscall.Errno {
	return func(_ *server, n *listener.Notification, fd int) syscall.Errno {
		return result(unix.Fchownat(fd, "", int(int32(n.Args[uid])), int(int32(n.Args[uid+1])), unix.AT_EMPTY_PATH))
	}
}

// units is how a call writes its two times.
type units uint8

const (
	nanoseconds  units = iota // struct timespec[2]
	microseconds              // struct timeval[2]
	seconds                   // struct utimbuf
)

func times(arg int, u units) func(*server, *listener.Notification, int) syscall.Errno {
	return func(s *server, n *listener.Notification, fd int) syscall.Errno {
		if n.Args[arg] == 0 { // now; the kernel's rules for that differ from those for a given time
			return utimensat(fd, nil)
		}
		ts, e := s.readTimes(n.PID, n.Args[arg], u)
		if e != 0 {
			return e
		}
		if !s.listener.Valid(n.ID) {
			return unix.EINTR
		}
		return utimensat(fd, &ts)
	}
}

// readTimes reads two times and brings them to nanoseconds.
func (s *server) readTimes(tid uint32, addr uint64, u units) ([2]unix.Timespec, syscall.Errno) {
	if u == seconds {
		v, e := s.memory.longs(tid, addr, 2)
		if e != 0 {
			return [2]unix.Timespec{}, e
		}
		return [2]unix.Timespec{{Sec: v[0]}, {Sec: v[1]}}, 0
	}
	v, e := s.memory.longs(tid, addr, 4)
	if e != 0 {
		return [2]unix.Timespec{}, e
	}
	if u == microseconds {
		for i := 1; i < 4; i += 2 {
			if v[i] < 0 || v[i] >= 1_000_000 {
				return [2]unix.Timespec{}, unix.EINVAL
			}
			v[i] *= 1000
		}
	}
	return [2]unix.Timespec{{Sec: v[0], Nsec: v[1]}, {Sec: v[2], Nsec: v[3]}}, 0
}

// utimensat works on the pinned file by its path in /proc: an empty path is
// understood for it only since Linux 5.8, and not on every descriptor.
func utimensat(fd int, ts *[2]unix.Timespec) syscall.Errno {
	name, err := syscall.BytePtrFromString(own(fd))
	if err != nil {
		return unix.EINVAL
	}
	at := unix.AT_FDCWD
	_, _, e := syscall.Syscall6(unix.SYS_UTIMENSAT, uintptr(at), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(ts)), 0, 0, 0)
	return e
}

// xattrNameMax is XATTR_NAME_MAX of include/uapi/linux/limits.h.
const xattrNameMax = 255

// xattrName reads and judges the name of an extended attribute. Those of
// security.* are never granted.
func (s *server) xattrName(n *listener.Notification, arg int) (string, syscall.Errno) {
	name, e := s.memory.text(n.PID, n.Args[arg], xattrNameMax+1, unix.ERANGE)
	switch {
	case e != 0:
		return "", e
	case name == "":
		return "", unix.ERANGE
	case strings.HasPrefix(name, "security."):
		return "", unix.EPERM
	}
	return name, 0
}

func setxattr(s *server, n *listener.Notification, fd int) syscall.Errno {
	return s.setxattr(n, fd, 1, n.Args[2], n.Args[3], int(int32(n.Args[4])))
}

// setxattrat finds value, size and flags in struct xattr_args (Linux 6.13).
func setxattrat(s *server, n *listener.Notification, fd int) syscall.Errno {
	if n.Args[5] != 16 {
		return unix.EINVAL
	}
	v, e := s.memory.longs(n.PID, n.Args[4], 2)
	if e != 0 {
		return e
	}
	return s.setxattr(n, fd, 3, uint64(v[0]), uint64(v[1])&0xffffffff, int(uint64(v[1])>>32))
}

func (s *server) setxattr(n *listener.Notification, fd, nameArg int, addr, size uint64, flags int) syscall.Errno {
	name, e := s.xattrName(n, nameArg)
	if e != 0 {
		return e
	}
	if size > uint64(len(s.memory.buf)) {
		return unix.E2BIG
	}
	value, e := s.memory.read(n.PID, addr, int(size))
	if e != 0 {
		return e
	}
	if !s.listener.Valid(n.ID) {
		return unix.EINTR
	}
	return result(unix.Setxattr(own(fd), name, value, flags))
}

func removexattr(nameArg int) func(*server, *listener.Notification, int) syscall.Errno {
	return func(s *server, n *listener.Notification, fd int) syscall.Errno {
		name, e := s.xattrName(n, nameArg)
		if e != 0 {
			return e
		}
		if !s.listener.Valid(n.ID) {
			return unix.EINTR
		}
		return result(unix.Removexattr(own(fd), name))
	}
}

// setFlags carries out FS_IOC_SETFLAGS (chattr). The other requests that set
// attributes are refused: their structures differ from kernel to kernel.
func setFlags(s *server, n *listener.Notification, fd int) syscall.Errno {
	if uint32(n.Args[1]) != unix.FS_IOC_SETFLAGS {
		return unix.EPERM
	}
	b, e := s.memory.read(n.PID, n.Args[2], 4)
	if e != 0 {
		return e
	}
	value := *(*int32)(unsafe.Pointer(&b[0]))
	if !s.listener.Valid(n.ID) {
		return unix.EINTR
	}
	return result(unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(value)))
}
