package supervisor

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// judgeOpen finds who can give what an open wants.
func (s *server) judgeOpen(n *listener.Notification, r *request, p *place, want Rights) (answer, Rights) {
	// Each time anew: what is looked at again may be reached in another way by now.
	r.given = want&^s.named(n, p.via) == 0 && s.reopens(n, r, p, want)
	if r.given {
		return onBehalf, 0
	}
	if p.exists && p.stat.Nlink == 0 { // it has no name any more
		return s.judgeNameless(n, r, p, want)
	}
	if r.flags&tmpfile != 0 { // made in the directory, under a name that nobody knows
		if want&^s.named(n, p.path+"/#") == 0 {
			return onBehalf, 0
		}
		return s.judge(n, p, want, r.hidden)
	}
	a, missing := s.judge(n, p, want, r.hidden)
	switch {
	case (a == onBehalf || r.hidden) && p.ofOther(): // the kernel asks for the caller's rights over it
		return denied, want
	case a == onBehalf && want&Write != 0 && !s.mayWriteHere(p):
		return denied, Write
	}
	return a, missing
}

// ofOther tells whether a place is of a process that is not the caller. Its own
// entries are spelled /proc/self; below any other mount of proc they cannot be told
// from the supervisor's.
func (p *place) ofOther() bool {
	rest, ok := strings.CutPrefix(p.path, "/proc/")
	if ok {
		return rest != "" && rest[0] >= '0' && rest[0] <= '9'
	}
	if p.exists && unix.Major(p.stat.Dev) != 0 { // a disk
		return false
	}
	var st unix.Statfs_t
	return unix.Fstatfs(p.at(), &st) != nil || st.Type == unix.PROC_SUPER_MAGIC
}

// at is a descriptor in the file system of a place.
func (p *place) at() int {
	if p.dir >= 0 {
		return p.dir
	}
	return p.thing
}

// mayWriteHere tells whether a place may be written by a name that covers it. No
// name covers a kernel file system that it does not lead into, and the memory of a
// process is written past everything that protects its pages.
func (s *server) mayWriteHere(p *place) bool {
	if strings.HasPrefix(p.path, "/proc/self/") && strings.HasSuffix(p.path, "/mem") {
		return false
	}
	return !onKernelFS(p.at()) && !s.rules.KernelFile(p.path) || s.rules.Files().namesKernelFile(p.path)
}

// reopens tells whether an open of /proc/self/fd/N, which a grant names, gives no more
// than descriptor N gives already. The link and the descriptor were not looked at in
// one moment, so they must be of one file.
func (s *server) reopens(n *listener.Notification, r *request, p *place, want Rights) bool {
	number, ok := strings.CutPrefix(p.via, "/proc/self/fd/")
	fd, err := strconv.ParseInt(number, 10, 32)
	if !ok || err != nil {
		return false
	}
	copied, e := duplicate(n.PID, int32(fd))
	if e != 0 {
		return false
	}
	defer unix.Close(copied)
	var st unix.Stat_t
	flags, err := unix.FcntlInt(uintptr(copied), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_PATH != 0 || unix.Fstat(copied, &st) != nil || identify(&st) != p.id() {
		return false
	}
	r.flags |= uint64(flags & unix.O_APPEND)
	gives := map[int]Rights{unix.O_RDONLY: Read, unix.O_WRONLY: Write, unix.O_RDWR: Read | Write}[flags&unix.O_ACCMODE]
	return want&^gives == 0
}

// judgeNameless decides on what has no name any more. A directory counts as where it
// was, and there is nothing in it. Files are the kernel's, whose rules look at where
// the file was.
func (s *server) judgeNameless(n *listener.Notification, r *request, p *place, want Rights) (answer, Rights) {
	switch {
	case p.isDir():
		if want&^s.named(n, strings.TrimSuffix(p.path, " (deleted)")) == 0 {
			return onBehalf, 0
		}
		return denied, want
	case r.hidden:
		return denied, want
	}
	return byKernel, 0
}
