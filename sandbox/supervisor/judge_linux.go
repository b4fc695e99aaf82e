package supervisor

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// named is what names give for a path; the caller's own thread has two spellings.
func (s *server) named(n *listener.Notification, p string) Rights {
	r := s.rules.Files().named(p)
	task, ok := strings.CutPrefix(p, "/proc/self/task/")
	if !ok {
		return r
	}
	if rest, ok := strings.CutPrefix(task, decimal(n.PID)); ok && (rest == "" || rest[0] == '/') {
		r |= s.rules.Files().named("/proc/thread-self" + rest)
	}
	return r
}

// judge finds who can give what is wanted of a place. What is no final answer goes on in
// the kernel, which looks again, so that the rule of an inode counts wherever that is;
// its number may be another file's by now. Else only what is sure counts.
func (s *server) judge(n *listener.Notification, p *place, want Rights, final bool) (a answer, missing Rights) {
	f := s.rules.Files()
	if !final && want&^p.sure(f, want) == 0 {
		return byKernel, 0
	}
	named := s.named(n, p.path)
	if p.dir < 0 && !p.isDir() && !p.settle() {
		named = 0 // it is not there, and the path may end in " (deleted)"
	}
	switch {
	case want&^named == 0:
		return onBehalf, 0
	case !final && want&^s.likely(f, p) == 0:
		return byKernel, 0
	}
	sure := p.sure(f, want&^named)
	switch {
	case want&^sure == 0:
		return byKernel, 0
	case want&^(sure|named) == 0:
		return onBehalf, 0
	}
	return denied, want &^ (sure | named)
}

// likely is what the kernel gives if no directory was moved and no inode's number is
// another file's. Where denials are told, it is looked up where directories are now: a
// granted one that was moved is granted, and what was put in its place is not.
func (s *server) likely(f *Files, p *place) (r Rights) {
	if !s.rules.Watch {
		return f.held(p.path, p.id(), p.isDir())
	}
	r = f.Inodes[p.id()].Rights | p.reached(f)
	for _, held := range f.Dirs {
		if p.isDir() && held.ID == p.id() {
			r |= held.Rights
		}
	}
	return r
}

// settle finds the name of a file that was reached without one, by a descriptor or a
// magic link. It fails where another file has that name by now.
func (p *place) settle() bool {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	dir, e := openat2(unix.AT_FDCWD, path.Dir(p.path), &how)
	if e != 0 {
		return false
	}
	var st unix.Stat_t
	name := path.Base(p.path)
	if unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil || identify(&st) != p.id() {
		unix.Close(dir)
		return false
	}
	p.dir, p.name = dir, name
	return true
}

// sure is what kernel rules surely give for a place: by the rule of a directory that
// the pinned one really lies below, or of the file at the name that it had.
func (p *place) sure(f *Files, want Rights) (r Rights) {
	if held := f.Inodes[p.id()]; p.exists && held.Path == p.path {
		r |= held.Rights
	}
	if held := f.Dirs[p.path]; p.dir >= 0 && p.isDir() && held.ID == p.id() {
		r |= held.Rights
	}
	return r | p.above(f, want&^r)
}

// above is what the rules of the directories that a place lies in surely give.
func (p *place) above(f *Files, want Rights) (r Rights) {
	dir, up := p.path, "."
	if p.dir >= 0 {
		dir = path.Dir(p.path)
	}
	for want&^r != 0 && p.at() >= 0 {
		if held, ok := f.Dirs[dir]; ok && held.Rights&want&^r != 0 && idAt(p.at(), up) == held.ID {
			r |= held.Rights
		}
		if dir == "/" || dir == "." {
			break
		}
		dir, up = parent(dir), up+"/.."
	}
	return r
}

// idHere is the file at a path, which is of no caller.
func idHere(name string) ID { return idAt(unix.AT_FDCWD, name) }

// idAt is the file at a path below a descriptor.
func idAt(fd int, name string) ID {
	var st unix.Stat_t
	if unix.Fstatat(fd, name, &st, 0) != nil {
		return ID{}
	}
	return identify(&st)
}

// reached is what kernel rules give at most in a place, wherever its directories were
// moved from. It climbs by descriptors, since no path is long enough for every depth;
// where it cannot, every right counts as given.
func (p *place) reached(f *Files) (r Rights) {
	const all = Read | Write | Execute
	rules := make(map[ID]Rights, len(f.Dirs))
	for _, held := range f.Dirs {
		rules[held.ID] |= held.Rights
	}
	fd, err := unix.Openat(p.at(), ".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return all
	}
	for last := (ID{}); ; {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) != nil {
			r = all
			break
		}
		id := identify(&st)
		if id == last || r == all { // the root is its own parent
			break
		}
		r, last = r|rules[id], id
		up, err := unix.Openat(fd, "..", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		unix.Close(fd)
		if err != nil {
			return all
		}
		fd = up
	}
	unix.Close(fd)
	return r
}

// gains tells whether a file gets a right by being moved or linked from one place to
// another: to be executed, or read where it only could be written. Of a directory it
// asks that for everything that may lie below.
func (s *server) gains(n *listener.Notification, from, to *place) bool {
	f := s.rules.Files()
	if isNameless(from) { // its maker wrote what is in it, unless it came from outside
		return s.stdio[from.id()]
	}
	const all = Read | Write | Execute
	before := s.named(n, from.path) | from.sure(f, all)
	// What the file brings along itself it has in both places.
	own := f.Inodes[from.id()].Rights
	at := place{dir: to.dir, thing: to.thing, path: to.path}
	there := at.reached(f)
	if (s.named(n, to.path)|there)&^(before|own) != 0 {
		return true
	}
	// What lies below has for sure only what covers all of it: by the rules of the
	// directories that it lies in now, which may have been elsewhere at the launch, and
	// by names.
	return from.isDir() && (f.below(to.path)|there)&^(from.sure(f, all)|f.namedBelow(from.path)) != 0
}
