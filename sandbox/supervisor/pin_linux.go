package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"sandrun/integrity"
	"sandrun/policy"
	"sandrun/sandbox/listener"
)

// A Pin is a file whose content a manifest pins.
type Pin struct {
	Path string          // without symbolic links
	Sets []integrity.Set // a content must be right by all of them
}

// Pins are the pinned files, by every name and inode that they had at the launch.
type Pins struct {
	Paths map[string]*Pin // real paths, and those of the manifest
	IDs   map[ID]*Pin
	// trusted are the versions that the launch has verified.
	trusted map[version]bool
}

// Trust remembers that the content of an open file is right.
func (p *Pins) Trust(fd int, pin *Pin) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if p.trusted == nil {
		p.trusted = map[version]bool{}
	}
	p.trusted[versionOf(&st, pin)] = true
	return nil
}

// of finds what is pinned of a file. It counts by its path, by its inode, and by
// the path that was asked for: a link put in the way of a pinned name makes no
// other file of it.
func (p *Pins) of(real, asked string, id ID) *Pin {
	if p == nil {
		return nil
	}
	if pin := p.Paths[real]; pin != nil {
		return pin
	}
	if pin := p.Paths[asked]; pin != nil {
		return pin
	}
	return p.IDs[id]
}

const (
	// maxCopy bounds the verified copy of one file, which is in memory.
	maxCopy = 256 << 20
	// maxCopies bounds all copies that are kept for the next open.
	maxCopies = 512 << 20
)

// A version is one content of a file, as cheaply as the kernel tells it from others.
type version struct {
	ID
	pin            *Pin
	size           int64
	changed, wrote unix.Timespec
}

func versionOf(st *unix.Stat_t, pin *Pin) version {
	return version{identify(st), pin, st.Size, st.Ctim, st.Mtim}
}

// A verdict is what was found of one version.
type verdict struct {
	copy int   // a sealed memfd of the verified bytes, -1 for none
	err  error // why it is not right
}

// verified holds what was verified.
type verified struct {
	sync.Mutex
	known  map[version]verdict
	size   int64          // of all copies
	copies map[ID]copyFor // by inode of the copy: what may be mapped as its file
}

// A copyFor says which file a copy stands for.
type copyFor struct {
	id   ID
	path string
}

// openPinned hands out the verified bytes of a pinned file, or denies the open.
func (s *server) openPinned(n *listener.Notification, r *request, p *place, pin *Pin) {
	if r.wanted(p.exists)&Write != 0 {
		s.denyPinned(n, policy.FSWrite, pin, errors.New("its content is pinned, so it is not opened for writing"), func() { s.openAnyway(n, r, p) })
		return
	}
	fd, e := r.open(p, r.flags|unix.O_NONBLOCK)
	if e != 0 {
		s.goOn(n, r, e)
		return
	}
	defer unix.Close(fd)
	v := s.verify(fd, pin, true)
	if v.err != nil {
		s.denyPinned(n, policy.FSRead, pin, v.err, func() { s.openAnyway(n, r, p) })
		return
	}
	again, e := open(own(v.copy), unix.O_RDONLY)
	if e != 0 {
		s.listener.Refuse(n.ID, unix.EACCES)
		return
	}
	s.hand(n, r, again)
}

// denyPinned reports a content that is not right, and does what the policy wants.
func (s *server) denyPinned(n *listener.Notification, scope policy.Scope, pin *Pin, why error, anyway func()) {
	d := s.denial(n, scope, pin.Path, unix.EACCES)
	d.Integrity = words(why)
	s.report(n, d, anyway)
}

// words are what is wrong, without the code, which a record has in a field.
func words(why error) string { return strings.TrimSuffix(why.Error(), " ("+integrity.Code+")") }

// verify compares the content of an open file with what is pinned. With wantCopy
// it keeps the verified bytes: what was hashed is what will be read.
func (s *Supervisor) verify(fd int, pin *Pin, wantCopy bool) verdict {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return verdict{-1, err}
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return verdict{-1, errors.New("it is not a regular file")}
	case wantCopy && st.Size > maxCopy:
		return verdict{-1, fmt.Errorf("it is larger than %d MiB, the most that is verified at use", maxCopy>>20)}
	}
	key := versionOf(&st, pin)
	if !wantCopy && s.rules.Pins.trusted[key] {
		return verdict{copy: -1}
	}
	s.verified.Lock()
	v, ok := s.verified.known[key]
	s.verified.Unlock()
	if ok && (v.err != nil || v.copy >= 0 || !wantCopy) {
		return v
	}
	v = check(fd, pin, wantCopy)
	var after unix.Stat_t
	if err := unix.Fstat(fd, &after); err != nil || versionOf(&after, pin) != key {
		// It changed while it was read. A copy is still what was hashed.
		return v
	}
	s.remember(key, pin, v, st.Size)
	return v
}

// remember keeps a verdict for the next open of the same version.
func (s *Supervisor) remember(key version, pin *Pin, v verdict, size int64) {
	s.verified.Lock()
	defer s.verified.Unlock()
	if s.verified.known == nil {
		s.verified.known, s.verified.copies = map[version]verdict{}, map[ID]copyFor{}
	}
	if s.verified.size+size > maxCopies || len(s.verified.known) > maxImages {
		for _, old := range s.verified.known {
			closeCopy(old.copy)
		}
		clear(s.verified.known)
		clear(s.verified.copies) // their numbers may be given to other files
		s.verified.size = 0
	}
	s.verified.known[key] = v
	if v.copy >= 0 {
		s.verified.size += size
		var st unix.Stat_t
		if unix.Fstat(v.copy, &st) == nil {
			s.verified.copies[identify(&st)] = copyFor{key.ID, pin.Path}
		}
	}
}

func closeCopy(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}

// check reads a file from its beginning, and copies what it reads into a sealed
// memfd if that is wanted.
func check(fd int, pin *Pin, wantCopy bool) verdict {
	hashers := make([]*integrity.Hasher, len(pin.Sets))
	for i, set := range pin.Sets {
		h, err := set.Hasher()
		if err != nil {
			return verdict{-1, err}
		}
		hashers[i] = h
	}
	into := -1
	if wantCopy {
		var err error
		if into, err = unix.MemfdCreate("sandrun:"+pin.Path[max(0, len(pin.Path)-200):], unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING); err != nil {
			return verdict{-1, fmt.Errorf("memfd_create: %w", err)}
		}
	}
	if err := pump(fd, into, hashers); err != nil {
		closeCopy(into)
		return verdict{-1, err}
	}
	for i, set := range pin.Sets {
		if err := set.Assert(pin.Path, hashers[i].Digest()); err != nil {
			closeCopy(into)
			return verdict{-1, err}
		}
	}
	return verdict{into, nil}
}

// pump reads a file piece by piece.
func pump(fd, into int, hashers []*integrity.Hasher) error {
	buf := make([]byte, 64<<10)
	for offset := int64(0); ; {
		n, err := unix.Pread(fd, buf, offset)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("read: %w", err)
		case n == 0:
			return seal(into)
		case into >= 0 && offset+int64(n) > maxCopy:
			return fmt.Errorf("it grew beyond %d MiB", maxCopy>>20)
		}
		for _, h := range hashers {
			h.Write(buf[:n])
		}
		if err := writeAll(into, buf[:n]); err != nil {
			return err
		}
		offset += int64(n)
	}
}

func writeAll(fd int, b []byte) error {
	for fd >= 0 && len(b) > 0 {
		n, err := unix.Write(fd, b)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("write: %w", err)
		}
		b = b[max(n, 0):]
	}
	return nil
}

// seal lets nobody change a copy any more.
func seal(fd int) error {
	if fd < 0 {
		return nil
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return fmt.Errorf("fcntl(F_ADD_SEALS): %w", err)
	}
	return nil
}

// Check reads an open file and compares it with what is pinned.
func (p *Pin) Check(fd int) error { return check(fd, p, false).err }

// execPinned verifies a pinned program that a child wants to execute. The name
// could come to mean another file before the kernel looks: so what has started is
// verified once more, see startPinned.
func (s *server) execPinned(n *listener.Notification, p *place, pin *Pin) (answered bool) {
	r := request{flags: unix.O_RDONLY}
	fd, e := r.open(p, unix.O_RDONLY|unix.O_NONBLOCK)
	if e != 0 {
		return false
	}
	defer unix.Close(fd)
	if v := s.verify(fd, pin, false); v.err != nil {
		s.denyPinned(n, policy.Child, pin, v.err, func() { s.listener.Continue(n.ID) })
		return true
	}
	return false
}

// startPinned looks at the program that a process has started with: the kernel lets
// nobody write it while it runs. It tells whether it is what it has to be.
func (s *server) startPinned(n *listener.Notification) (*Pin, error) {
	exe := ofThread(n.PID, "exe")
	st, err := stat(exe)
	if err != nil {
		return &Pin{}, err
	}
	real, err := readLink(exe)
	if err != nil {
		return &Pin{}, err
	}
	pin := s.rules.Pins.of(real, real, identify(&st))
	if pin == nil {
		return nil, nil
	}
	fd, e := open(exe, unix.O_RDONLY|unix.O_NONBLOCK)
	if e != 0 {
		return pin, e
	}
	defer unix.Close(fd)
	return pin, s.verify(fd, pin, false).err
}

// endPinned ends a process that has started with a content that is not right: its
// call would not be told apart from one that works.
func (s *server) endPinned(n *listener.Notification, pin *Pin, why error) {
	d := s.denial(n, policy.Child, pin.Path, unix.EACCES)
	d.Integrity = words(why)
	if s.rules.OnError != policy.Throw {
		s.report(n, d, func() { s.listener.Continue(n.ID) })
		return
	}
	if s.rules.Denied != nil {
		s.rules.Denied(d)
	}
	s.end(n)
}

// asked is the path that a caller named, made absolute without looking at links.
func (s *server) asked(n *listener.Notification, base int32, text string) string {
	if s.rules.Pins == nil || strings.HasPrefix(text, "/") {
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
