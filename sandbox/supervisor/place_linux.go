package supervisor

import (
	"path"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// A place is where a path of a caller leads: a name in a pinned directory. What
// changes afterwards, a link put in the way or a directory moved, makes it mean
// nothing else.
type place struct {
	dir  int    // descriptor of the directory, -1 where only thing is known
	name string // the last component, with a trailing slash where there was one
	// thing is the file itself where it has no name in a directory: "/", "." and
	// "..", and what the magic links of /proc lead to. Else it is -1.
	thing  int
	path   string // absolute, without symbolic links; those of /proc/self for the caller's own entries
	via    string // the magic link that led to thing
	exists bool
	stat   unix.Stat_t
	pin    *Pin // what is pinned of it
}

// nowhere is the place of what was not found; there is nothing to close.
var nowhere = place{dir: -1, thing: -1}

func (p *place) close() {
	if p.dir >= 0 {
		unix.Close(p.dir)
	}
	if p.thing >= 0 {
		unix.Close(p.thing)
	}
}

func (p *place) id() ID {
	if !p.exists {
		return ID{}
	}
	return ID{uint64(p.stat.Dev), p.stat.Ino}
}

// unchanged tells whether a name still leads to what it did, if to anything.
func (p *place) unchanged() bool {
	if p.dir < 0 {
		return true
	}
	var st unix.Stat_t
	err := unix.Fstatat(p.dir, strings.TrimRight(p.name, "/"), &st, unix.AT_SYMLINK_NOFOLLOW)
	// The number of a file that is gone may be a directory's by now.
	same := identify(&st) == p.id() && st.Mode&unix.S_IFMT == p.kind()
	return p.exists && err == nil && same || !p.exists && err == unix.ENOENT
}

func (p *place) kind() uint32 { return p.stat.Mode & unix.S_IFMT }

func (p *place) isDir() bool { return p.exists && p.kind() == unix.S_IFDIR }

// maxLinks is how many symbolic links the kernel follows (include/linux/namei.h).
const maxLinks = 40

// A route is how a path is to be followed.
type route struct {
	base    int32  // the caller's descriptor that relative paths start at
	path    string // not empty
	follow  bool   // a symbolic link at the end too
	itself  bool   // not even where a slash follows: the call is about the name
	resolve uint64 // RESOLVE_ flags of openat2
}

// locate finds where a path leads, as the caller would. The magic links of /proc
// and its links to the reader's own entries are the caller's.
func (s *server) locate(n *listener.Notification, r route) (place, syscall.Errno) {
	p, e := s.follow(n, r)
	if pins := s.rules.Pins; pins != nil && e == 0 {
		p.pin = pins.reached(p.pin, &p, asked(n, r.base, r.path))
	}
	return p, e
}

// follow finds the place, and what is pinned under the names on the way.
func (s *server) follow(n *listener.Notification, r route) (place, syscall.Errno) {
	var pin *Pin
	base, e := s.origin(n, r)
	if e != 0 {
		return nowhere, e
	}
	defer func() { closeBase(base) }()
	text := r.path
	for range maxLinks + 1 {
		p, e := s.step(n, base, text, r)
		if e != 0 {
			return nowhere, e
		}
		if pins := s.rules.Pins; pins != nil {
			pin = pins.unite(pin, pins.passed(&p))
		}
		p.pin = pin
		if !p.exists || p.kind() != unix.S_IFLNK || r.itself || !r.follow && !strings.HasSuffix(p.name, "/") {
			return p, 0
		}
		target, thing, e := s.link(n, &p, r.resolve)
		if e != 0 || thing != nil {
			p.close()
			if e != 0 {
				return nowhere, e
			}
			thing.pin = pin
			return *thing, 0
		}
		if strings.HasSuffix(p.name, "/") {
			target += "/"
		}
		base, text = onward(base, text, target, &p, r.resolve)
	}
	return nowhere, unix.ELOOP
}

// onward is where the target of a link at the end starts. Under RESOLVE_BENEATH
// and RESOLVE_IN_ROOT the whole way counts, so the link is written out in the
// path; else its directory is at hand.
func onward(base int, text, target string, p *place, resolve uint64) (int, string) {
	if resolve&(unix.RESOLVE_BENEATH|unix.RESOLVE_IN_ROOT) == 0 {
		closeBase(base)
		dir := p.dir
		p.dir = -1
		p.close()
		return dir, target
	}
	p.close()
	if path.IsAbs(target) {
		return base, target
	}
	dir, _ := cutLast(text)
	return base, dir + target
}

func closeBase(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}

// origin opens where relative paths begin.
func (s *server) origin(n *listener.Notification, r route) (int, syscall.Errno) {
	const scoped = unix.RESOLVE_BENEATH | unix.RESOLVE_IN_ROOT
	if path.IsAbs(r.path) && r.resolve&scoped == 0 {
		return -1, 0
	}
	if r.base == unix.AT_FDCWD {
		return open(ofThread(n.PID, "cwd"), unix.O_PATH|unix.O_DIRECTORY)
	}
	fd, e := open(ofDescriptor(n.PID, r.base), unix.O_PATH|unix.O_DIRECTORY)
	if e == unix.ENOENT {
		e = unix.EBADF
	}
	return fd, e
}

// step resolves all of a path but a link at its end.
func (s *server) step(n *listener.Notification, base int, text string, r route) (place, syscall.Errno) {
	dirText, name := cutLast(text)
	if strings.Trim(name, "/") == "" || isDots(name) {
		return s.whole(n, base, text, r)
	}
	dir, real, e := s.directory(n, base, dirText, r)
	if e != 0 {
		return nowhere, e
	}
	p := place{dir: dir, name: name, thing: -1}
	p.path = s.spell(n, path.Join(real, strings.TrimRight(name, "/")))
	switch err := unix.Fstatat(dir, strings.TrimRight(name, "/"), &p.stat, unix.AT_SYMLINK_NOFOLLOW); err {
	case nil:
		p.exists = true
	case unix.ENOENT:
	default:
		p.close()
		return nowhere, err.(syscall.Errno)
	}
	return p, 0
}

// cutLast cuts the last component off a path, which keeps its trailing slash.
func cutLast(text string) (dir, last string) {
	end := len(strings.TrimRight(text, "/"))
	i := strings.LastIndexByte(text[:end], '/')
	last = text[i+1:]
	if trimmed := strings.TrimRight(last, "/"); len(trimmed) < len(last) {
		last = trimmed + "/"
	}
	return text[:i+1], last
}

func isDots(name string) bool {
	name = strings.TrimRight(name, "/")
	return name == "." || name == ".."
}

// whole pins a directory that has no name in another.
func (s *server) whole(n *listener.Notification, base int, text string, r route) (place, syscall.Errno) {
	fd, real, e := s.directory(n, base, text, r)
	if e != 0 {
		return nowhere, e
	}
	p := place{dir: -1, thing: fd, path: real, exists: true}
	if err := unix.Fstat(fd, &p.stat); err != nil {
		p.close()
		return nowhere, err.(syscall.Errno)
	}
	return p, 0
}

// isClean tells whether a path is absolute and goes nowhere but down. The slash at
// its end that cutLast leaves counts for nothing.
func isClean(text string) bool {
	return path.IsAbs(text) && (text == "/" || path.Clean(text)+"/" == text)
}

// directory pins the directory that a path leads to, and tells its real path.
func (s *server) directory(n *listener.Notification, base int, text string, r route) (int, string, syscall.Errno) {
	from := unix.AT_FDCWD
	if base >= 0 {
		from = base
	}
	if text == "" {
		text = "."
	}
	if r.resolve == 0 && isClean(text) { // most paths are their own answer
		how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
		if fd, e := openat2(unix.AT_FDCWD, text, &how); e == 0 {
			return fd, s.spell(n, path.Clean(text)), 0
		}
	}
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: r.resolve&^resolveCached | unix.RESOLVE_NO_MAGICLINKS,
	}
	fd, err := unix.Openat2(from, text, &how)
	for tries := 0; err == unix.EAGAIN && tries < maxReplaced; tries++ { // somebody renames or mounts, wherever
		fd, err = unix.Openat2(from, text, &how)
	}
	e := result(err)
	real := ""
	if e == 0 {
		if real, err = readLink(own(fd)); err != nil {
			e = unix.EACCES
		}
	}
	switch {
	case e == unix.ELOOP && r.resolve&(unix.RESOLVE_NO_MAGICLINKS|unix.RESOLVE_NO_SYMLINKS) == 0,
		e == 0 && s.isOurs(real), e == unix.ENOENT && strings.Contains(text, "self/"):
		closeBase(fd)
		return s.walk(n, base, text, r)
	case e != 0:
		closeBase(fd)
		return -1, "", e
	}
	return fd, s.spell(n, real), 0
}
