package supervisor

import (
	"bytes"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// A status is /proc/PID/status of a thread, read once.
type status struct {
	buf  [4096]byte
	text []byte
}

// read reads the status of a thread.
func (st *status) read(tid uint32) syscall.Errno {
	fd, e := open(ofThread(tid, "status"), unix.O_RDONLY)
	if e != 0 {
		return unix.EACCES
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, st.buf[:])
	if err != nil {
		return unix.EACCES
	}
	st.text = st.buf[:n]
	return 0
}

// field returns a line of the status, as in "Umask".
func (st *status) field(name string) []byte {
	_, rest, ok := bytes.Cut(st.text, []byte("\n"+name+":\t"))
	if !ok {
		return nil
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return line
}

// number reads a field in a base.
func (st *status) number(name string, base int) (uint64, bool) {
	v, err := strconv.ParseUint(string(st.field(name)), base, 64)
	return v, err == nil
}

// traced tells whether somebody traces the thread.
func (st *status) traced() bool {
	tracer, ok := st.number("TracerPid", 10)
	return ok && tracer != 0
}

// become makes this thread create files as the caller would.
func (s *server) become(n *listener.Notification) syscall.Errno {
	if e := s.status.read(n.PID); e != 0 {
		return e
	}
	umask, ok := s.status.number("Umask", 8)
	if !ok || !s.sameUser() {
		return unix.EACCES
	}
	return s.takeUmask(int(umask))
}

// takeUmask sets the umask of this thread, which shares it with no other.
func (s *server) takeUmask(umask int) syscall.Errno {
	if s.umask == umask {
		return 0
	}
	if s.umask < 0 {
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return unix.EACCES
		}
	}
	unix.Umask(umask)
	s.umask = umask
	return 0
}

// sameUser tells whether the caller's identity is the supervisor's, which holds
// for every caller: without capabilities an identity changes only among the
// three that a process began with.
func (s *server) sameUser() bool {
	s.identityOnce.Do(func() {
		var own status
		if own.read(uint32(os.Getpid())) == 0 {
			s.uids, s.gids = bytes.Clone(own.field("Uid")), bytes.Clone(own.field("Gid"))
		}
	})
	return s.uids != nil && bytes.Equal(s.status.field("Uid"), s.uids) && bytes.Equal(s.status.field("Gid"), s.gids)
}

// room refuses what would fail only after a file was made: it tells whether the
// caller has a number left for a descriptor. The table of descriptors is as large as FDSize says; only a full one must be counted.
func (s *server) room(n *listener.Notification) syscall.Errno {
	var limit unix.Rlimit
	if err := unix.Prlimit(int(n.PID), unix.RLIMIT_NOFILE, nil, &limit); err != nil {
		return unix.EACCES
	}
	if size, ok := s.status.number("FDSize", 10); ok && size < limit.Cur {
		return 0
	}
	names, err := os.ReadDir(ofThread(n.PID, "fd"))
	if err != nil {
		return unix.EACCES
	}
	used := uint64(0)
	for _, name := range names {
		if fd, err := strconv.ParseUint(name.Name(), 10, 32); err == nil && fd < limit.Cur {
			used++
		}
	}
	if used >= limit.Cur {
		return unix.EMFILE
	}
	return 0
}

// pending tells whether a signal waits for the thread that it will act on.
func (st *status) pending() bool {
	set := func(name string) uint64 {
		v, _ := st.number(name, 16)
		return v
	}
	return (set("SigPnd")|set("ShdPnd"))&^set("SigBlk")&^set("SigIgn") != 0
}
