package supervisor

import (
	"errors"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/integrity"
	"sandrun/policy"
	"sandrun/sandbox/listener"
)

// A Pin is a file whose content a manifest pins.
type Pin struct {
	Path string          // without symbolic links
	Sets []integrity.Set // a content must be right by all of them

	names []string // absolute paths that led to it at the launch
}

// Check reads an open file and compares it with what is pinned.
func (p *Pin) Check(fd int) error {
	_, err := check(fd, p, false)
	return err
}

// Copy returns a descriptor of the verified bytes of an open file: a sealed copy in
// memory, at its beginning.
func (p *Pin) Copy(fd int) (int, error) {
	st, _, err := regular(fd, p)
	switch {
	case err != nil:
		return -1, err
	case st.Size > maxCopy:
		return -1, tooLargeError{}
	}
	made, err := check(fd, p, true)
	if err != nil {
		return -1, err
	}
	defer unix.Close(made)
	return reopen(made)
}

// Pins are the pinned files, by every name and inode that they had at the launch.
type Pins struct {
	paths map[string]*Pin // real paths, and those of the manifest
	ids   map[ID]*Pin
	// within finds them by their names in the directories that they were in, whose
	// paths may change.
	within map[entry]*Pin
	// bases lists them by the last component of their names: most other files are
	// told apart by that.
	bases map[string][]*Pin
	// trusted are the versions that the launch has verified.
	trusted map[version]bool

	lock   sync.Mutex
	united map[[2]*Pin]*Pin
}

// An entry is a name in a directory.
type entry struct {
	dir  ID
	name string
}

// NewPins begins with nothing pinned.
func NewPins() *Pins {
	return &Pins{
		paths: map[string]*Pin{}, ids: map[ID]*Pin{}, within: map[entry]*Pin{}, bases: map[string][]*Pin{},
		trusted: map[version]bool{}, united: map[[2]*Pin]*Pin{},
	}
}

// Add pins a file by the path of the manifest, by where that leads, and by inode. A
// file that does not exist yet is pinned by its names.
func (p *Pins) Add(listed, real string, set integrity.Set) {
	var id ID
	if st, err := stat(real); err == nil {
		id = identify(&st)
	}
	pin := p.paths[real]
	if pin == nil && id != (ID{}) {
		pin = p.ids[id] // another name of a file that is listed already
	}
	if pin == nil {
		pin = &Pin{Path: real}
	}
	pin.Sets = append(pin.Sets, set)
	if id != (ID{}) {
		p.ids[id] = pin
	}
	for _, name := range [...]string{listed, real} {
		if !slices.Contains(pin.names, name) {
			p.name(pin, name)
		}
	}
}

func (p *Pins) name(pin *Pin, name string) {
	pin.names = append(pin.names, name)
	p.paths[name] = pin
	base := path.Base(name)
	if !slices.Contains(p.bases[base], pin) {
		p.bases[base] = append(p.bases[base], pin)
	}
	if st, err := stat(path.Dir(name)); err == nil {
		p.within[entry{identify(&st), base}] = pin
	}
}

// Of finds what is pinned of a file by its real path, by the path that it was asked
// for with, and by inode.
func (p *Pins) Of(real, asked string, id ID) *Pin {
	if p == nil {
		return nil
	}
	if pin := p.unite(p.paths[asked], p.paths[real]); pin != nil {
		return pin
	}
	return p.ids[id]
}

// Trust remembers that the content of an open file is right.
func (p *Pins) Trust(fd int, pin *Pin) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if settled(&st) {
		p.trusted[versionOf(&st, pin)] = true
	}
	return nil
}

// unite returns the pin of a content that two pins are about: one name that became
// a link to another.
func (p *Pins) unite(a, b *Pin) *Pin {
	switch {
	case a == nil || a == b:
		return b
	case b == nil:
		return a
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	both := p.united[[2]*Pin{a, b}]
	if both == nil {
		both = &Pin{Path: a.Path, Sets: slices.Concat(a.Sets, b.Sets)}
		p.united[[2]*Pin{a, b}] = both
	}
	return both
}

// passed finds what is pinned under the name that a step of a path has reached: a
// link that was put in the way of a pinned name does not unpin it.
func (p *Pins) passed(at *place) *Pin {
	if pin := p.paths[at.path]; pin != nil {
		return pin
	}
	name := strings.TrimRight(at.name, "/")
	if at.dir < 0 || len(p.bases[name]) == 0 {
		return nil
	}
	var st unix.Stat_t
	if unix.Fstat(at.dir, &st) != nil {
		return nil
	}
	return p.within[entry{identify(&st), name}]
}

// reached finds what is pinned of the file at the end of a path, where pin is what
// was passed on the way. Of a name that now leads to it by another directory, it
// counts as the pinned file too; without any name its inode counts.
func (p *Pins) reached(pin *Pin, at *place, asked string) *Pin {
	pin = p.unite(p.paths[asked], pin)
	if !at.exists {
		return pin
	}
	id := at.id()
	for _, base := range [...]string{path.Base(at.path), path.Base(asked)} {
		for _, other := range p.bases[base] {
			if other != pin && other.leadsTo(id) {
				pin = p.unite(pin, other)
			}
		}
	}
	if pin == nil {
		pin = p.ids[id]
	}
	return pin
}

// leadsTo tells whether a name of a pin is that of a file now.
func (p *Pin) leadsTo(id ID) bool {
	return slices.ContainsFunc(p.names, func(name string) bool {
		st, err := stat(name)
		return err == nil && identify(&st) == id
	})
}

var errPinned = errors.New("its content is pinned, so it is not written")

// openPinned hands out the verified bytes of a pinned file, or denies the open. It
// gives no answer if the place was replaced since it was looked at. Nothing goes on
// in the kernel, which could be led to another file then.
func (s *server) openPinned(n *listener.Notification, r *request, p *place) (answered bool) {
	var why error
	scope := policy.FSRead
	switch {
	case r.wanted(p.exists)&Write != 0:
		scope, why = policy.FSWrite, errPinned
	case r.exclusive():
		s.listener.Refuse(n.ID, unix.EEXIST)
		return true
	case p.kind() != unix.S_IFREG && p.kind() != unix.S_IFLNK: // to open it could do something
		why = errNotRegular
	default:
		// The other flags are about the descriptor, which is not handed out.
		fd, e := r.open(p, r.flags&(unix.O_NOFOLLOW|unix.O_DIRECTORY|unix.O_NOATIME)|unix.O_NONBLOCK)
		switch {
		case e == unix.EWOULDBLOCK:
			why = errors.New("somebody holds a lease on it")
		case p.replaced(e):
			return false
		case e != 0:
			s.listener.Refuse(n.ID, e)
			return true
		default:
			why = s.handPinned(n, r, fd, p.pin)
		}
	}
	if why != nil {
		s.denyPinned(n, scope, p.pin, why, func() { s.openAnyway(n, r, p) })
	}
	return true
}

// handPinned hands out the verified bytes of an open file, or says what is wrong.
func (s *server) handPinned(n *listener.Notification, r *request, fd int, pin *Pin) error {
	defer unix.Close(fd)
	verified, err := s.copyOf(fd, pin)
	if err == nil {
		s.hand(n, r, verified)
	}
	return err
}

// denyPinned reports a content that is not right, and does what the policy wants.
func (s *server) denyPinned(n *listener.Notification, scope policy.Scope, pin *Pin, why error, anyway func()) {
	d := s.denial(n, scope, pin.Path, unix.EACCES)
	d.Integrity = words(why)
	s.report(n, d, anyway)
}

// cannot ends a call whose file could not be found. Where contents are pinned the
// kernel must not find another one.
func (s *server) cannot(n *listener.Notification, e syscall.Errno) {
	if s.rules.Pins != nil && s.rules.OnError != policy.Log {
		s.listener.Refuse(n.ID, e)
		return
	}
	s.listener.Continue(n.ID)
}

// words are what is wrong, without the code, which a record has in a field.
func words(why error) string { return strings.TrimSuffix(why.Error(), " ("+integrity.Code+")") }

// asked is the path that a caller named, made absolute without looking at links.
func asked(n *listener.Notification, base int32, text string) string {
	if strings.HasPrefix(text, "/") {
		return path.Clean(text)
	}
	from := ofThread(n.PID, "cwd")
	if base != unix.AT_FDCWD {
		from = ofDescriptor(n.PID, base)
	}
	dir, err := os.Readlink(from)
	if err != nil {
		return ""
	}
	return path.Clean(dir + "/" + text)
}
