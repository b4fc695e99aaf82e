package supervisor

import (
	"path"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/listener"
)

// A change says where a call that makes, removes, renames or links a name has its
// arguments, and how it is carried out in pinned directories. Arguments that a
// spelling does not have are -1.
type change struct {
	base, path int8
	content    bool // it changes the file, not its name: links are followed
	makes      bool // the name must not exist yet: else the kernel says so
	links      bool // it gives an open file a name too
	second     *second
	apply      func(s *server, n *listener.Notification, at, to *place) syscall.Errno
}

// A second is the name that a file gets by a rename or link.
type second struct{ base, path int8 }

// changes holds the spellings that every architecture has.
var changes = map[int32]change{
	unix.SYS_MKDIRAT:   {base: 0, path: 1, makes: true, apply: mkdir(2)},
	unix.SYS_UNLINKAT:  {base: 0, path: 1, apply: unlink(2)},
	unix.SYS_SYMLINKAT: {base: 1, path: 2, makes: true, apply: symlink},
	unix.SYS_MKNODAT:   {base: 0, path: 1, makes: true, apply: mknod(2)},
	unix.SYS_RENAMEAT:  {base: 0, path: 1, second: &second{2, 3}, apply: rename(-1)},
	unix.SYS_RENAMEAT2: {base: 0, path: 1, second: &second{2, 3}, apply: rename(4)},
	unix.SYS_LINKAT:    {base: 0, path: 1, second: &second{2, 3}, links: true, apply: link},
	unix.SYS_TRUNCATE:  {base: -1, path: 0, content: true, apply: truncate},
}

func changeCall(nr int32) (change, bool) {
	if c, ok := changes[nr]; ok {
		return c, true
	}
	return oldChange(nr)
}

// change serves a trapped call on names. What kernel rules decide goes on in the
// kernel, and so does what nobody grants: the kernel refuses it.
func (s *server) change(n *listener.Notification, c change) {
	at, e := s.locateArg(n, c.base, c.path, c.source(n))
	if e != 0 {
		s.listener.Continue(n.ID)
		return
	}
	defer at.close()
	places := []*place{&at}
	if c.second != nil {
		to, e := s.locateArg(n, c.second.base, c.second.path, route{itself: true})
		if e != 0 {
			s.listener.Continue(n.ID)
			return
		}
		defer to.close()
		places = append(places, &to)
	}
	s.changePlaces(n, c, places)
}

// source is how the first path of a call is followed.
func (c *change) source(n *listener.Notification) route {
	switch {
	case c.content:
		return route{follow: true}
	case n.Nr == unix.SYS_LINKAT:
		return route{follow: n.Args[4]&unix.AT_SYMLINK_FOLLOW != 0}
	}
	return route{itself: true}
}

func (s *server) locateArg(n *listener.Notification, base, arg int8, r route) (place, syscall.Errno) {
	text, e := s.memory.text(n.PID, n.Args[arg], pathMax, unix.ENAMETOOLONG)
	if e != 0 {
		return place{}, e
	}
	r.base, r.path = unix.AT_FDCWD, text
	if base >= 0 {
		r.base = int32(n.Args[base])
	}
	switch {
	case text == "" && arg == 1 && n.Nr == unix.SYS_LINKAT && n.Args[4]&unix.AT_EMPTY_PATH != 0:
		return s.opened(n, r.base)
	case text == "":
		return place{}, unix.ENOENT
	}
	return s.locate(n, r)
}

// opened is the file of one of the caller's descriptors.
func (s *server) opened(n *listener.Notification, fd int32) (place, syscall.Errno) {
	file, e := s.pinDescriptor(n, fd)
	if e != 0 {
		return place{}, e
	}
	p := place{dir: -1, thing: file, exists: true}
	err := unix.Fstat(file, &p.stat)
	if err == nil {
		p.path, err = readLink(own(file))
	}
	if err != nil {
		p.close()
		return place{}, unix.EACCES
	}
	return p, 0
}

// changePlaces judges the names that a call changes and carries it out, lets it go
// on, or denies it.
func (s *server) changePlaces(n *listener.Notification, c change, places []*place) {
	if c.links && places[0].isDir() {
		s.listener.Refuse(n.ID, unix.EPERM) // no directory has a second name
		return
	}
	here := false
	for i, p := range places {
		source := i == 0 && !c.makes
		if p.dir < 0 && !(c.links && p.kind() == unix.S_IFREG) || source != p.exists && (source || c.makes) {
			s.listener.Continue(n.ID) // the kernel has an error for it that comes first
			return
		}
		a, _ := s.judgeChange(n, c, p)
		if a != denied && c.content && p.pin != nil {
			s.denyPinned(n, policy.FSWrite, p.pin, errPinned, func() { s.listener.Continue(n.ID) })
			return
		}
		switch a {
		case denied:
			s.changeDenied(n, p)
			return
		case onBehalf:
			here = true
		}
	}
	if !here {
		s.listener.Continue(n.ID)
		return
	}
	e := s.prepareChange(n, places)
	if e == 0 {
		e = c.apply(s, n, places[0], places[len(places)-1])
	}
	s.answer(n, e)
}

// isNameless tells whether a place is an open file without a name, which linkat can
// give one.
func isNameless(p *place) bool {
	return p.thing >= 0 && p.stat.Nlink == 0 && p.kind() == unix.S_IFREG
}

// judgeChange asks whether a name may be changed. A file without one counts as
// where it was made.
func (s *server) judgeChange(n *listener.Notification, c change, p *place) (answer, Rights) {
	if isNameless(p) {
		return s.judge(n, strings.TrimSuffix(p.path, " (deleted)"), ID{}, false, Write)
	}
	a, missing := s.judge(n, p.path, p.id(), p.isDir(), Write)
	// A rule on a file or a directory itself gives nothing in the one above.
	if a == byKernel && !c.content && s.rules.Files().held(path.Dir(p.path), ID{}, true)&Write == 0 {
		if s.rules.Files().named(p.path)&Write == 0 {
			return denied, Write
		}
		a = onBehalf
	}
	if a == onBehalf && !s.mayWriteHere(p) {
		return denied, Write
	}
	return a, missing
}

func (s *server) changeDenied(n *listener.Notification, p *place) {
	if !s.rules.Watch {
		s.listener.Continue(n.ID)
		return
	}
	s.deny(n, policy.FSWrite, p.path, unix.EACCES)
}

// prepareChange readies this thread, and refuses what would give a file rights.
func (s *server) prepareChange(n *listener.Notification, places []*place) syscall.Errno {
	if e := s.become(n); e != 0 {
		return e
	}
	if len(places) == 2 && s.gains(n, places[0], places[1]) {
		return unix.EXDEV
	}
	if !s.listener.Valid(n.ID) {
		return unix.EINTR
	}
	return 0
}

// gains tells whether a file would get rights by another name; an exchange is
// asked both ways.
func (s *server) gains(n *listener.Notification, from, to *place) bool {
	f := s.rules.Files()
	source := strings.TrimSuffix(from.path, " (deleted)")
	if !isNameless(from) {
		source = from.path
	}
	if f.gains(source, to.path, from.id(), from.isDir()) {
		return true
	}
	exchange := n.Nr == unix.SYS_RENAMEAT2 && n.Args[4]&unix.RENAME_EXCHANGE != 0
	return exchange && to.exists && f.gains(to.path, source, to.id(), to.isDir())
}

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
	if at.thing >= 0 { // followed already, to a file without a name
		return result(unix.Linkat(unix.AT_FDCWD, own(at.thing), to.dir, to.name, unix.AT_SYMLINK_FOLLOW))
	}
	return result(unix.Linkat(at.dir, at.name, to.dir, to.name, flags&^unix.AT_SYMLINK_FOLLOW))
}

// truncate opens the file itself: truncate(2) has no way to name it by a
// descriptor that does not follow links.
func truncate(_ *server, n *listener.Notification, at, _ *place) syscall.Errno {
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
	return result(unix.Ftruncate(fd, int64(n.Args[1])))
}
