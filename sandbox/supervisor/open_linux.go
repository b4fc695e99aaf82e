package supervisor

import (
	"encoding/binary"
	"strconv"
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
	if want&^s.named(n, p.via) == 0 && s.reopens(n, r, p, want) {
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

// openDenied ends an open that no grant covers. Without a wish to know of it the
// kernel's own answer is the best.
func (s *server) openDenied(n *listener.Notification, r *request, p *place, missing Rights) {
	if !r.hidden && !s.rules.Watch {
		s.goOn(n, r, p, unix.EACCES)
		return
	}
	e := r.refusal(p)
	switch {
	case e != 0:
		s.goOn(n, r, p, e)
	case isProbe(s.rules.Harmless, p.path, p.isDir(), missing, callerExe(n)):
		s.goOn(n, r, p, unix.EACCES)
	case missing == Read:
		s.openReported(n, r, p, policy.FSRead)
	default:
		if missing&Read != 0 { // who grants one of the two should know of the other
			s.tell(s.denial(n, policy.FSRead, p.path, unix.EACCES))
		}
		s.openReported(n, r, p, policy.FSWrite)
	}
}

// openReported denies an open and tells of it.
func (s *server) openReported(n *listener.Notification, r *request, p *place, scope policy.Scope) {
	s.report(n, s.denial(n, scope, p.path, unix.EACCES), func() { s.openAnyway(n, r, p) })
}

// openAnyway opens what is denied, under onerror log. What asks for it in memory is
// still opened here: it could ask for a setuid bit meanwhile.
func (s *server) openAnyway(n *listener.Notification, r *request, p *place) {
	if !r.hidden {
		s.listener.Continue(n.ID)
		return
	}
	if r.device = true; p.ofOther() {
		// Of other processes it would open what only the supervisor may see, and of its
		// own threads the supervisor's memory.
		s.listener.Refuse(n.ID, unix.EACCES)
	} else if !s.openHere(n, r, p) {
		s.listener.Refuse(n.ID, unix.EAGAIN)
	}
}

// refusal is how an open fails without a sandbox too, 0 if it does not: because of
// what lies there, or by the ordinary permissions, which are the supervisor's as
// well. That is no denial.
func (r *request) refusal(p *place) syscall.Errno {
	directory := r.flags&unix.O_DIRECTORY != 0 && r.flags&tmpfile == 0
	changes := r.flags&tmpfile == 0 && r.flags&(unix.O_CREAT|unix.O_ACCMODE) != 0
	fd, name, mode := p.dir, strings.TrimRight(p.name, "/"), uint32(accessModes[r.flags&unix.O_ACCMODE])
	switch {
	case !p.exists: // it would be made
		name, mode = ".", unix.W_OK|unix.X_OK
	case r.exclusive():
		return unix.EEXIST
	case p.kind() == unix.S_IFLNK:
		return unix.ELOOP
	case !p.isDir() && (directory || strings.HasSuffix(p.name, "/")):
		return unix.ENOTDIR
	case p.isDir() && changes:
		return unix.EISDIR
	case fd < 0:
		fd, name = unix.AT_FDCWD, own(p.thing)
	}
	return result(unix.Faccessat(fd, name, mode, unix.AT_EACCESS))
}

// accessModes are what access(2) calls the modes of an open.
var accessModes = [4]uint8{unix.O_RDONLY: unix.R_OK, unix.O_WRONLY: unix.W_OK, unix.O_RDWR: unix.R_OK | unix.W_OK, 3: unix.R_OK | unix.W_OK}

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
	if r.waitsForPartner(p) {
		s.wait(n, r, p)
		return true
	}
	fd, e := r.open(p, r.opening(p)|unix.O_NONBLOCK)
	if e == 0 && r.device && p.exists && r.flags&tmpfile == 0 && !isFile(fd, p.id()) {
		// What is there now was not looked at, and not every rule is on a name.
		unix.Close(fd)
		return false
	}
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

// opening is the flags to open a place with. A file that is there may go before it is
// opened, and must not be made then if only reading was asked for.
func (r *request) opening(p *place) uint64 {
	if p.exists && r.wanted(true)&Write == 0 && !p.isDir() {
		return r.flags &^ unix.O_CREAT
	}
	return r.flags
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
