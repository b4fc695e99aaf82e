package supervisor

import (
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

// changeCall knows the spellings that every architecture has, and asks for the old
// ones. It is no table, because one of functions would be made at every start.
func changeCall(nr int32) (change, bool) {
	switch nr {
	case unix.SYS_MKDIRAT:
		return change{base: 0, path: 1, makes: true, apply: mkdir(2)}, true
	case unix.SYS_UNLINKAT:
		return change{base: 0, path: 1, apply: unlink(2)}, true
	case unix.SYS_SYMLINKAT:
		return change{base: 1, path: 2, makes: true, apply: symlink}, true
	case unix.SYS_MKNODAT:
		return change{base: 0, path: 1, makes: true, apply: mknod(2)}, true
	case unix.SYS_RENAMEAT:
		return change{base: 0, path: 1, second: &second{2, 3}, apply: rename(-1)}, true
	case unix.SYS_RENAMEAT2:
		return change{base: 0, path: 1, second: &second{2, 3}, apply: rename(4)}, true
	case unix.SYS_LINKAT:
		return change{base: 0, path: 1, second: &second{2, 3}, links: true, apply: link}, true
	case unix.SYS_TRUNCATE:
		return change{base: -1, path: 0, content: true, apply: truncate}, true
	}
	return oldChange(nr)
}

// change serves a trapped call on names. What kernel rules decide goes on in the
// kernel, and so does what nobody grants: the kernel refuses it.
func (s *server) change(n *listener.Notification, c change) {
	if !validFlags(n) {
		s.listener.Refuse(n.ID, unix.EINVAL)
		return
	}
	for range maxReplaced {
		if s.changeOnce(n, c) {
			return
		}
	}
	s.leave(n, c, unix.EBUSY)
}

// replaced is no errno: what a call names is not what was judged any more.
const replaced = syscall.Errno(0xfffe)

// changeOnce gives no answer if what the call names was replaced meanwhile.
func (s *server) changeOnce(n *listener.Notification, c change) (answered bool) {
	at, e := s.locateArg(n, c.base, c.path, c.source(n))
	if e != 0 {
		s.leave(n, c, e)
		return true
	}
	defer at.close()
	places := []*place{&at}
	if c.second != nil {
		to, e := s.locateArg(n, c.second.base, c.second.path, route{itself: true})
		if e != 0 {
			s.leave(n, c, e)
			return true
		}
		defer to.close()
		places = append(places, &to)
	}
	if !s.mayChange(n, c, places) {
		return true
	}
	if c.second == nil {
		e := s.carryOut(n, c, places)
		if e == replaced {
			return false
		}
		s.answer(n, e)
		return true
	}
	// One after another: what a rename gains is judged by where everything is.
	s.moving.Lock()
	defer s.moving.Unlock()
	for _, p := range places {
		if !s.stands(n, p) || !p.unchanged() {
			return false
		}
	}
	s.answer(n, s.carryOut(n, c, places))
	return true
}

// validFlags tells whether the kernel knows the flags of a call; it looks at them
// before everything else.
func validFlags(n *listener.Notification) bool {
	bits := uint32(n.Args[4])
	switch n.Nr {
	case unix.SYS_LINKAT:
		return bits&^(unix.AT_SYMLINK_FOLLOW|unix.AT_EMPTY_PATH) == 0
	case unix.SYS_RENAMEAT2:
		const both = unix.RENAME_NOREPLACE | unix.RENAME_EXCHANGE
		return bits&^both == 0 && bits != both // the filter has refused RENAME_WHITEOUT
	}
	return true
}

// leave lets the kernel say what is wrong with a call, but never with one that gives a
// file another name, where names are granted: the kernel knows nothing of them, and
// what the call means may change before it looks.
func (s *server) leave(n *listener.Notification, c change, e syscall.Errno) {
	if e == noAnswer {
		return
	}
	if c.second != nil && s.rules.Files().names() {
		s.listener.Refuse(n.ID, e)
		return
	}
	s.listener.Continue(n.ID)
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
	text, e := s.path(n, n.Args[arg], policy.FSWrite)
	if e != 0 {
		return nowhere, e
	}
	r.base, r.path = unix.AT_FDCWD, text
	if base >= 0 {
		r.base = int32(n.Args[base])
	}
	switch {
	case text == "" && arg == 1 && n.Nr == unix.SYS_LINKAT && n.Args[4]&unix.AT_EMPTY_PATH != 0:
		return s.opened(n, r.base)
	case text == "":
		return nowhere, unix.ENOENT
	}
	return s.locate(n, r)
}

// opened is the file of one of the caller's descriptors.
func (s *server) opened(n *listener.Notification, fd int32) (place, syscall.Errno) {
	file, e := s.pinDescriptor(n, fd)
	if e != 0 {
		return nowhere, e
	}
	// Not the caller's own open file: it may be for writing, and nobody executes what is
	// open so.
	pinned, e := open(own(file), unix.O_PATH)
	unix.Close(file)
	if e != 0 {
		return nowhere, unix.EACCES
	}
	file = pinned
	p := place{dir: -1, thing: file, exists: true}
	err := unix.Fstat(file, &p.stat)
	if err == nil {
		p.path, err = readLink(own(file))
	}
	if err != nil {
		p.close()
		return nowhere, unix.EACCES
	}
	return p, 0
}

// mayChange judges the names that a call changes. Unless it is to be carried out here,
// it lets the call go on, or denies it.
func (s *server) mayChange(n *listener.Notification, c change, places []*place) bool {
	if c.links && places[0].isDir() {
		s.listener.Refuse(n.ID, unix.EPERM) // no directory has a second name
		return false
	}
	// A name that is granted for reading must not be given to another file: the
	// kernel knows nothing of names, so every rename and link is done here then.
	here, refused := len(places) == 2 && s.rules.Files().names(), []*place(nil)
	for i, p := range places {
		source := i == 0 && !c.makes
		switch { // the kernel has an error for these that comes first
		case p.dir < 0 && !isNameless(p) && !(c.links && p.kind() == unix.S_IFREG && p.settle()):
			e := unix.EBUSY
			if c.links { // of a second name in use, or of a device's
				e = unix.EEXIST
			}
			s.leave(n, c, e)
			return false
		case source && !p.exists:
			s.leave(n, c, unix.ENOENT)
			return false
		case c.makes && p.exists:
			s.leave(n, c, unix.EEXIST)
			return false
		}
		if i == 1 && otherFileSystem(places[0], p) {
			s.leave(n, c, unix.EXDEV)
			return false
		}
	}
	for _, p := range places {
		a := s.judgeChange(n, c, p)
		if a != denied && c.content && p.pin != nil {
			s.denyPinned(n, policy.FSWrite, p.pin, errPinned, func() { s.listener.Continue(n.ID) })
			return false
		}
		switch a {
		case denied:
			refused = append(refused, p)
		case onBehalf:
			here = true
		}
	}
	if len(refused) > 0 {
		s.changeDenied(n, c, refused)
		return false
	}
	if !here {
		s.listener.Continue(n.ID)
	}
	return here
}

// otherFileSystem tells whether two places are of different file systems, between
// which nothing is renamed or linked.
func otherFileSystem(a, b *place) bool {
	var x, y unix.Stat_t
	return unix.Fstat(a.at(), &x) == nil && unix.Fstat(b.at(), &y) == nil && x.Dev != y.Dev
}

// isNameless tells whether a place is an open file without a name, which linkat can
// give one.
func isNameless(p *place) bool {
	return p.thing >= 0 && p.stat.Nlink == 0 && p.kind() == unix.S_IFREG
}

// judgeChange asks whether a name may be changed. A file without one counts as
// where it was made.
func (s *server) judgeChange(n *listener.Notification, c change, p *place) answer {
	switch {
	case isNameless(p):
		was := strings.TrimSuffix(p.path, " (deleted)")
		if s.named(n, was)&Write != 0 || s.rules.Files().held(was, ID{}, false)&Write != 0 {
			return onBehalf
		}
		return denied
	case c.content:
		a, _ := s.judge(n, p, Write, false)
		if a != onBehalf || s.mayWriteHere(p) {
			return a
		}
		return denied
	// A rule on a file or a directory itself gives nothing in the one above.
	case p.above(s.rules.Files(), Write)&Write != 0:
		return byKernel
	case s.named(n, p.path)&Write != 0 && s.mayWriteHere(p):
		return onBehalf
	}
	return denied
}

// changeDenied ends a change of names that no grant covers.
func (s *server) changeDenied(n *listener.Notification, c change, refused []*place) {
	for _, p := range refused {
		if !s.rules.Watch || !s.isDenial(n, c, p) {
			s.leave(n, c, unix.EACCES)
			return
		}
	}
	last := len(refused) - 1
	for i, p := range refused {
		d := s.denial(n, policy.FSWrite, p.path, unix.EACCES)
		d.Entry = !c.content && (p.isDir() || p.kind() == unix.S_IFLNK)
		if i < last {
			s.tell(d)
			continue
		}
		s.report(n, d, func() { s.listener.Continue(n.ID) })
	}
}

// isDenial tells whether anybody wants to know of a change that is refused: not if
// the ordinary permissions, which are the supervisor's as well, refuse it too, and
// not of harmless probes.
func (s *server) isDenial(n *listener.Notification, c change, p *place) bool {
	ordinary := c.content || p.dir < 0 || unix.Faccessat(p.dir, ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS) == nil
	return ordinary && !isProbe(s.rules.Harmless, p.path, false, Write, callerExe(n))
}

// carryOut makes a change, but none that would give a file rights.
func (s *server) carryOut(n *listener.Notification, c change, places []*place) syscall.Errno {
	if e := s.become(n); e != 0 {
		return e
	}
	if len(places) == 2 && s.gainsByCall(n, places[0], places[1]) {
		return unix.EXDEV
	}
	if !s.listener.Valid(n.ID) {
		return unix.EINTR
	}
	return c.apply(s, n, places[0], places[len(places)-1])
}

// gainsByCall tells whether a call gives a file more rights; an exchange is asked both
// ways.
func (s *server) gainsByCall(n *listener.Notification, from, to *place) bool {
	exchange := n.Nr == unix.SYS_RENAMEAT2 && n.Args[4]&unix.RENAME_EXCHANGE != 0
	return s.gains(n, from, to) || exchange && to.exists && s.gains(n, to, from)
}
