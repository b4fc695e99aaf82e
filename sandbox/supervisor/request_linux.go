package supervisor

import (
	"encoding/binary"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// tmpfile is __O_TMPFILE: the bit of O_TMPFILE that the kernel looks at.
const tmpfile = unix.O_TMPFILE &^ unix.O_DIRECTORY

// resolveCached is RESOLVE_CACHED (Linux 5.12).
const resolveCached = 0x20

// knownFlags are those that open and openat look at; they ignore all others
// (VALID_OPEN_FLAGS in include/linux/fcntl.h).
const knownFlags = unix.O_ACCMODE | unix.O_CREAT | unix.O_EXCL | unix.O_NOCTTY | unix.O_TRUNC | unix.O_APPEND |
	unix.O_NONBLOCK | unix.O_SYNC | unix.O_DSYNC | unix.O_ASYNC | unix.O_DIRECT | largeFile | unix.O_DIRECTORY |
	unix.O_NOFOLLOW | unix.O_NOATIME | unix.O_CLOEXEC | unix.O_PATH | tmpfile

// setID are the mode bits that nothing may ask for.
const setID = unix.S_ISUID | unix.S_ISGID

// A request is a trapped open, read once.
type request struct {
	base    int32
	addr    uint64 // of the path
	flags   uint64
	mode    uint64
	resolve uint64
	// hidden: what was asked lies in memory (openat2), so that the call must never
	// go on in the kernel: it could ask for something else then.
	hidden bool
	device bool // the kernel would give a device too
	given  bool // by what the caller has open already, or because denied operations go ahead
}

// request reads what is asked.
func (s *server) request(n *listener.Notification) (request, syscall.Errno) {
	a := &n.Args
	switch n.Nr {
	case unix.SYS_OPENAT:
		return request{base: int32(a[0]), addr: a[1], flags: a[2] & knownFlags, mode: a[3]}, 0
	case unix.SYS_OPENAT2:
		return s.hiddenRequest(n)
	}
	return oldRequest(n), 0
}

const (
	howSize    = 24 // OPEN_HOW_SIZE_VER0
	howMaxSize = 4096
)

// hiddenRequest reads the open_how of openat2, and lets the kernel say what is
// wrong with it. An O_PATH descriptor cannot be handed over (ADDFD answers EBADF),
// so it is refused as on a kernel that does not know the call.
func (s *server) hiddenRequest(n *listener.Notification) (r request, e syscall.Errno) {
	size := n.Args[3]
	switch {
	case size < howSize:
		return r, unix.EINVAL
	case size > howMaxSize:
		return r, unix.E2BIG
	}
	b, e := s.memory.read(n.PID, n.Args[2], int(size))
	if e == unix.EACCES { // a caller that lets nobody read its memory
		e = unix.ENOSYS
	}
	if e != 0 {
		return r, e
	}
	if strings.Trim(string(b[howSize:]), "\x00") != "" { // a newer kernel's fields
		return r, unix.E2BIG
	}
	long := func(i int) uint64 { return binary.NativeEndian.Uint64(b[8*i:]) }
	r = request{base: int32(n.Args[0]), addr: n.Args[1], flags: long(0), mode: long(1), resolve: long(2), hidden: true}
	// An empty path is looked at after everything else, and is not there.
	how := unix.OpenHow{Flags: r.flags, Mode: r.mode, Resolve: r.resolve}
	if _, err := unix.Openat2(unix.AT_FDCWD, "", &how); err != unix.ENOENT {
		return r, result(err)
	}
	making := r.flags&(unix.O_CREAT|tmpfile) != 0
	switch {
	case r.flags&unix.O_PATH != 0:
		return r, unix.ENOSYS
	case r.flags&unix.O_ACCMODE == unix.O_ACCMODE:
		return r, unix.EACCES
	case making && r.mode&setID != 0:
		return r, unix.EPERM
	case r.resolve&resolveCached != 0: // it may always say that it would have to wait
		return r, unix.EAGAIN
	}
	return r, 0
}

// exclusive tells whether an open must make its file.
func (r *request) exclusive() bool {
	return r.flags&(unix.O_CREAT|unix.O_EXCL) == unix.O_CREAT|unix.O_EXCL
}

// wanted is what an open needs to be granted.
func (r *request) wanted(exists bool) (want Rights) {
	switch r.flags & unix.O_ACCMODE {
	case unix.O_RDONLY:
		want = Read
	case unix.O_WRONLY:
		want = Write
	default:
		want = Read | Write
	}
	making := r.flags&tmpfile != 0 || r.flags&unix.O_CREAT != 0 && !exists
	if making || r.flags&unix.O_TRUNC != 0 {
		want |= Write
	}
	return want
}
