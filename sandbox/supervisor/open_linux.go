package supervisor

import (
	"encoding/binary"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/policy"
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
}

// open serves a trapped open. What kernel rules decide goes on in the kernel,
// with the kernel's own errors; what only a name grants is done here.
func (s *server) open(n *listener.Notification) {
	r, e := s.request(n)
	if e != 0 {
		s.listener.Refuse(n.ID, e)
		return
	}
	text, e := s.memory.text(n.PID, r.addr, pathMax, unix.ENAMETOOLONG)
	if e == 0 && text == "" {
		e = unix.ENOENT
	}
	if e != 0 {
		s.notFound(n, &r, e)
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

// judgeOpen finds who can give what an open wants.
func (s *server) judgeOpen(n *listener.Notification, r *request, p *place, want Rights) (answer, Rights) {
	if strings.HasPrefix(p.via, "/proc/self/fd/") && want&^(p.gives&s.rules.Files().named(p.via)) == 0 {
		return onBehalf, 0 // no more than the descriptor gives already
	}
	if p.exists && p.stat.Nlink == 0 { // it has no name any more
		return s.judgeNameless(n, r, p, want)
	}
	if r.flags&tmpfile != 0 { // made in the directory, under a name that nobody knows
		return s.judge(n, p.path+"/#", ID{}, false, want)
	}
	a, missing := s.judge(n, p.path, p.id(), p.isDir(), want)
	switch {
	case r.hidden && ofOther(p.path): // the kernel's own rules for them are the caller's domain's
		return denied, want
	case (a == onBehalf || r.hidden) && want&Write != 0 && !s.mayWriteHere(p):
		return denied, Write
	}
	return a, missing
}

// ofOther tells whether a path is of a process that is not the caller: its own
// entries are spelled /proc/self.
func ofOther(p string) bool {
	rest, ok := strings.CutPrefix(p, "/proc/")
	return ok && rest != "" && rest[0] >= '0' && rest[0] <= '9'
}

// mayWriteHere tells whether a place may be written by a name that covers it. No
// name covers a kernel file system that it does not lead into, and the memory of a
// process is written past everything that protects its pages.
func (s *server) mayWriteHere(p *place) bool {
	if strings.HasPrefix(p.path, "/proc/self/") && strings.HasSuffix(p.path, "/mem") {
		return false
	}
	fd := p.dir
	if fd < 0 {
		fd = p.thing
	}
	return !onKernelFS(fd) || s.rules.Files().namesKernelFile(p.path)
}

// judgeNameless decides on what has no name any more. A directory counts as where it
// was, and there is nothing in it. Files are the kernel's, whose rules look at where
// the file was.
func (s *server) judgeNameless(n *listener.Notification, r *request, p *place, want Rights) (answer, Rights) {
	switch {
	case p.isDir():
		return s.judge(n, strings.TrimSuffix(p.path, " (deleted)"), ID{}, true, want)
	case r.hidden:
		return denied, want
	}
	return byKernel, 0
}

// judge asks the grants for a path; the caller's own thread has two spellings.
// What belongs to other processes only the kernel gives.
func (s *server) judge(n *listener.Notification, p string, id ID, isDir bool, want Rights) (answer, Rights) {
	a, missing := s.rules.Files().judge(p, id, isDir, want)
	if ofOther(p) && a == onBehalf {
		return denied, want
	}
	if a != denied {
		return a, missing
	}
	if rest, ok := strings.CutPrefix(p, "/proc/self/task/"+decimal(n.PID)); ok && (rest == "" || rest[0] == '/') {
		return s.rules.Files().judge("/proc/thread-self"+rest, id, isDir, want)
	}
	return a, missing
}

// openDenied ends an open that no grant covers. Without a wish to know of it the
// kernel's own answer is the best.
func (s *server) openDenied(n *listener.Notification, r *request, p *place, missing Rights) {
	scope := policy.FSWrite
	if missing&Read != 0 {
		scope = policy.FSRead
	}
	switch {
	case !r.hidden && !s.rules.Watch,
		missing == Read && isProbe(s.rules.Harmless, p.path, p.isDir(), callerExe(n)):
		s.goOn(n, r, p, unix.EACCES)
	default:
		s.deny(n, scope, p.path, unix.EACCES)
	}
}

// openHere opens a place for the caller and hands the descriptor over. It gives no
// answer if the place was replaced since it was looked at.
func (s *server) openHere(n *listener.Notification, r *request, p *place) (answered bool) {
	if p.exists && !servable(&p.stat, r.device) {
		s.goOn(n, r, p, unix.EACCES)
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
	if r.waitsForPartner(p) {
		s.wait(n, r, p)
		return true
	}
	fd, e := r.open(p, r.flags|unix.O_NONBLOCK)
	switch {
	case e == unix.EWOULDBLOCK && r.flags&unix.O_NONBLOCK == 0: // a lease
		s.wait(n, r, p)
	case p.replaced(e):
		return false
	case e != 0:
		s.listener.Refuse(n.ID, e)
	default:
		s.hand(n, r, fd)
	}
	return true
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
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		s.listener.Refuse(n.ID, unix.EACCES)
		return
	}
	if !servable(&st, r.device) {
		s.listener.Refuse(n.ID, unix.EACCES)
		return
	}
	if r.flags&unix.O_NONBLOCK == 0 {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err == nil {
			_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags&^unix.O_NONBLOCK)
		}
		if err != nil {
			s.listener.Refuse(n.ID, unix.EACCES)
			return
		}
	}
	if e := s.listener.Inject(n.ID, fd, r.flags&unix.O_CLOEXEC != 0); e != 0 {
		s.listener.Refuse(n.ID, e)
	}
}
