package supervisor

import (
	"path"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/listener"
)

// open serves a trapped open. What kernel rules decide goes on in the kernel,
// with the kernel's own errors; what only a name grants is done here.
func (s *server) open(n *listener.Notification) {
	r, e := s.request(n)
	if e != 0 {
		s.listener.Refuse(n.ID, e)
		return
	}
	text, e := s.path(n, r.addr, scopeOf(r.wanted(true)))
	if e == noAnswer {
		return
	}
	if e == 0 && text == "" {
		e = unix.ENOENT
	}
	if e != 0 {
		s.notFound(n, &r, e)
		return
	}
	if s.isPlain(n, &r, text) {
		s.listener.Continue(n.ID)
		return
	}
	way := route{
		base: r.base, path: text, resolve: r.resolve,
		follow: r.flags&unix.O_NOFOLLOW == 0 && !r.exclusive(),
	}
	for range maxReplaced {
		p, e := s.locate(n, way)
		if e != 0 {
			s.notFound(n, &r, e)
			return
		}
		if s.openPlace(n, &r, p) {
			return
		}
	}
	s.notFound(n, &r, unix.ELOOP)
}

// isPlain tells at the least cost that an open is the kernel's alone: what is there has
// no link on its way, so that the path is its own answer, and no name gives what a
// kernel rule does not.
func (s *server) isPlain(n *listener.Notification, r *request, text string) bool {
	if r.hidden || r.flags&tmpfile != 0 || s.rules.Pins != nil || !path.IsAbs(text) || path.Clean(text) != text {
		return false
	}
	at, want, f := s.spell(n, text), r.wanted(true), s.rules.Files()
	if (s.rules.Watch || s.named(n, at)&want != 0) && !f.ruled(at, want) {
		return false
	}
	return isLinkless(text)
}

// isLinkless tells whether there is no link on the way to something that is there. A
// file that is opened as a directory says so without a descriptor.
func isLinkless(text string) bool {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	fd, e := openat2(unix.AT_FDCWD, text, &how)
	if e == 0 {
		unix.Close(fd)
	}
	return e == 0 || e == unix.ENOTDIR
}

// notFound ends an open of what could not be found, or lets the kernel look.
func (s *server) notFound(n *listener.Notification, r *request, e syscall.Errno) {
	if r.hidden {
		s.listener.Refuse(n.ID, e)
		return
	}
	s.cannot(n, e)
}

// maxReplaced bounds how often a path is looked at again because what it led to
// was replaced before it was opened.
const maxReplaced = 64

// goOn lets the kernel give its own answer; for what it must not look at again
// the answer is ours.
func (s *server) goOn(n *listener.Notification, r *request, p *place, e syscall.Errno) {
	if r.hidden || p.pin != nil && s.rules.OnError != policy.Log {
		s.listener.Refuse(n.ID, e)
		return
	}
	s.listener.Continue(n.ID)
}

// openPlace judges an open and carries it out, lets it go on, or denies it. It
// closes the place, and tells whether there was an answer: there is none where the
// place was replaced meanwhile.
func (s *server) openPlace(n *listener.Notification, r *request, p place) (answered bool) {
	defer p.close()
	want := r.wanted(p.exists)
	if !p.exists && r.flags&unix.O_CREAT == 0 {
		s.goOn(n, r, &p, unix.ENOENT)
		return true
	}
	answer, missing := s.judgeOpen(n, r, &p, want)
	switch {
	case answer != denied && p.pin != nil:
		return s.openPinned(n, r, &p)
	case answer == onBehalf || answer == byKernel && r.hidden:
		r.device = answer == byKernel
		return s.openHere(n, r, &p)
	case answer == byKernel:
		s.listener.Continue(n.ID)
	default:
		s.openDenied(n, r, &p, missing)
	}
	return true
}

// openHere opens a place for the caller and hands the descriptor over. It gives no
// answer if the place was replaced since it was looked at.
func (s *server) openHere(n *listener.Notification, r *request, p *place) (answered bool) {
	switch {
	case p.exists && !servable(&p.stat, r.device):
		s.goOn(n, r, p, unix.EACCES)
		return true
	case p.exists && r.exclusive():
		s.listener.Refuse(n.ID, unix.EEXIST)
		return true
	case p.isDir() && r.flags&(unix.O_CREAT|unix.O_DIRECTORY) == unix.O_CREAT:
		s.listener.Refuse(n.ID, unix.EISDIR)
		return true
	}
	if r.flags&(unix.O_CREAT|unix.O_TRUNC|tmpfile) != 0 { // it does something beside
		e := s.become(n)
		if e == 0 {
			e = s.room(n)
		}
		if e != 0 {
			s.listener.Refuse(n.ID, e)
			return true
		}
	}
	if !s.listener.Valid(n.ID) {
		return true
	}
	if r.waitsForPartner(p) && r.flags&unix.O_ACCMODE == unix.O_RDONLY {
		s.wait(n, r, p)
		return true
	}
	fd, e := r.open(p, r.opening(p)|unix.O_NONBLOCK)
	if e == 0 && !s.isJudged(n, r, p, fd) {
		unix.Close(fd)
		return false
	}
	switch {
	case e == unix.EWOULDBLOCK && r.flags&unix.O_NONBLOCK == 0, // a lease
		e == unix.ENXIO && r.waitsForPartner(p): // nobody reads
		s.wait(n, r, p)
	case p.replaced(e):
		return false
	case e != 0:
		s.listener.Refuse(n.ID, e)
	case r.flags&unix.O_NONBLOCK == 0 && !r.unblock(fd):
		unix.Close(fd)
		s.listener.Refuse(n.ID, unix.EACCES)
	default:
		s.hand(n, r, fd)
	}
	return true
}

// unblock takes off a descriptor the O_NONBLOCK that only the open needed. Of the
// other flags these are what fcntl can set.
func (r *request) unblock(fd int) bool {
	const settable = unix.O_APPEND | unix.O_DIRECT | unix.O_NOATIME
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, int(r.flags&settable))
	return err == nil
}

// opening is the flags to open a place with. A file that is there may go before it is
// opened, and must not be made then if only reading was asked for.
func (r *request) opening(p *place) uint64 {
	if p.exists && r.wanted(true)&Write == 0 && !p.isDir() {
		return r.flags &^ unix.O_CREAT
	}
	return r.flags
}

// isJudged tells whether what was opened is what was judged: the same file, in a directory
// that has the path by which it was, and the rights of that. No rename in the sandbox
// gives a directory a right (gains, and the kernel), so that whatever was opened in it had
// at least those. Between the judgement and the open anything can have got the name.
func (s *server) isJudged(n *listener.Notification, r *request, p *place, fd int) bool {
	rights := Rights(0)
	switch {
	case r.flags&tmpfile != 0: // in the directory that the place is
		real, err := readLink(own(fd))
		if err != nil || s.spell(n, path.Dir(real)) != p.path {
			return false
		}
		rights = s.named(n, p.path+"/#")
	case p.exists && !isFile(fd, p.id()):
		return false
	}
	if r.given || p.dir < 0 { // the file itself was judged
		return true
	}
	want := r.wanted(p.exists)
	rights |= s.named(n, p.path)
	return s.stands(n, p) && want&^(rights|p.sure(s.rules.Files(), want&^rights)) == 0
}

// stands tells whether the directory of a place has the path that it was found by.
func (s *server) stands(n *listener.Notification, p *place) bool {
	if p.dir < 0 {
		return true
	}
	real, err := readLink(own(p.dir))
	return err == nil && s.spell(n, real) == path.Dir(p.path)
}

func isFile(fd int, id ID) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && identify(&st) == id
}

// waitsForPartner tells whether an open is of a FIFO and waits until somebody opens
// the other side.
func (r *request) waitsForPartner(p *place) bool {
	return p.exists && p.kind() == unix.S_IFIFO && r.flags&unix.O_NONBLOCK == 0 && r.flags&unix.O_ACCMODE != unix.O_RDWR &&
		!r.exclusive()
}

// replaced tells whether an error means that a place is no longer what it was.
func (p *place) replaced(e syscall.Errno) bool {
	return p.exists && (e == unix.ENOENT || e == unix.ELOOP && p.kind() != unix.S_IFLNK) || !p.exists && e == unix.ELOOP
}

// servable tells whether a descriptor of a file may be handed over. Devices never
// are: what can be done with them is the kernel's to decide. But of those that
// every program may use there is nothing to decide, and openat2 cannot be left to
// the kernel.
func servable(st *unix.Stat_t, device bool) bool {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFBLK:
		return false
	case unix.S_IFCHR:
		major, minor := unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))
		return device && major == 1 && (minor == 3 || minor == 5 || minor == 7 || minor == 8 || minor == 9)
	}
	return true
}

// open opens a place with the given flags. The directory is pinned, and its name
// is not followed if it became a link.
func (r *request) open(p *place, flags uint64) (int, syscall.Errno) {
	how := unix.OpenHow{
		Flags: flags | unix.O_CLOEXEC | unix.O_NOCTTY, Mode: r.mode & 0o7777,
		Resolve: unix.RESOLVE_NO_SYMLINKS | r.resolve&unix.RESOLVE_NO_XDEV,
	}
	if flags&(unix.O_CREAT|tmpfile) == 0 {
		how.Mode = 0
	}
	switch {
	case p.dir >= 0:
		return openat2(p.dir, p.name, &how)
	case p.isDir():
		how.Flags &^= unix.O_NOFOLLOW
		return openat2(p.thing, ".", &how)
	}
	// What a magic link leads to is opened again through one.
	how.Flags &^= unix.O_NOFOLLOW | unix.O_CREAT
	how.Mode, how.Resolve = 0, 0
	return openat2(unix.AT_FDCWD, own(p.thing), &how)
}

func openat2(dir int, name string, how *unix.OpenHow) (int, syscall.Errno) {
	fd, err := unix.Openat2(dir, name, how)
	return fd, result(err)
}

// hand gives an opened descriptor to the caller. It is looked at once more: what
// lay at the name may have become a device.
func (s *server) hand(n *listener.Notification, r *request, fd int) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || !servable(&st, r.device) {
		unix.Close(fd)
		s.listener.Refuse(n.ID, unix.EACCES)
		return
	}
	// The caller must not go on before it is closed here: nobody executes a file that is
	// open for writing.
	here := s.cores.keep(n.PID)
	number, e := s.listener.Add(n.ID, fd, r.flags&unix.O_CLOEXEC != 0)
	s.cores.free(n.PID, here)
	unix.Close(fd)
	if e != 0 {
		s.listener.Refuse(n.ID, e)
		return
	}
	s.listener.Return(n.ID, number)
}
