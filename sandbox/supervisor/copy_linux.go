package supervisor

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxCopy bounds the verified copy of one file, which is in memory.
	maxCopy = 256 << 20
	// maxCopies bounds all copies that are kept for the next open.
	maxCopies = 512 << 20
	// maxKept bounds how many verdicts are kept. Each copy takes a descriptor, so
	// that they must not take more than a share of those that we may have.
	maxKept  = 1 << 10
	keptPart = 4
	// age is how old a change must be for its time to tell it from the next one:
	// before Linux 6.13 the times of a file stand still for up to 10 ms.
	age = 100 * time.Millisecond
)

var errNotRegular = errors.New("it is not a regular file")

// A tooLargeError is a file that is too large to be verified at use.
type tooLargeError struct{}

func (tooLargeError) Error() string {
	return fmt.Sprintf("it is larger than %d MiB, the most that is verified at use", maxCopy>>20)
}

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

// settled tells whether the version of a file is that of no other content.
func settled(st *unix.Stat_t) bool {
	return time.Since(time.Unix(st.Ctim.Unix())) > age
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
	limit  int            // of verdicts
	copies map[ID]copyFor // by inode of the copy: what may be mapped as its file
	// programs are versions that were right while they ran.
	programs map[version]bool
}

// A copyFor says which file a copy stands for.
type copyFor struct {
	id   ID
	path string
}

// regular looks at an open file that is to be verified.
func regular(fd int, pin *Pin) (st unix.Stat_t, key version, err error) {
	if err := unix.Fstat(fd, &st); err != nil {
		return st, key, fmt.Errorf("fstat: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return st, key, errNotRegular
	}
	return st, versionOf(&st, pin), nil
}

// copyOf returns a new descriptor of the verified bytes of an open file: what was
// hashed is what will be read.
func (s *Supervisor) copyOf(fd int, pin *Pin) (int, error) {
	st, key, err := regular(fd, pin)
	switch {
	case err != nil:
		return -1, err
	case st.Size > maxCopy:
		return -1, tooLargeError{}
	}
	if again, err, known := s.verified.again(key); known {
		return again, err
	}
	made, err := check(fd, pin, true)
	if err != nil {
		s.remember(fd, key, verdict{-1, err})
		return -1, err
	}
	again, err := reopen(made)
	if err != nil {
		unix.Close(made)
		return -1, err
	}
	s.verified.standsFor(made, copyFor{key.ID, pin.Path})
	if !s.remember(fd, key, verdict{copy: made}) {
		unix.Close(made)
	}
	return again, nil
}

// verifyRunning compares the content of a program that runs with what is pinned. Nobody
// can have it open for writing, so that what is found counts for as long as its times
// stay.
func (s *Supervisor) verifyRunning(fd int, pin *Pin) error {
	_, key, err := regular(fd, pin)
	if err != nil || s.knownRight(key) {
		return err
	}
	if err := pin.Check(fd); err != nil {
		return err
	}
	if st, now, err := regular(fd, pin); err != nil || now != key || !settled(&st) {
		return err
	}
	s.verified.Lock()
	defer s.verified.Unlock()
	if s.verified.programs == nil || len(s.verified.programs) > maxImages {
		s.verified.programs = map[version]bool{}
	}
	s.verified.programs[key] = true
	return nil
}

// knownRight tells whether a version was verified while it could not be written.
func (s *Supervisor) knownRight(key version) bool {
	s.verified.Lock()
	defer s.verified.Unlock()
	return s.rules.Pins.trusted[key] || s.verified.programs[key]
}

// again opens the copy that is kept of a version.
func (v *verified) again(key version) (fd int, err error, known bool) {
	v.Lock()
	defer v.Unlock()
	switch found, ok := v.known[key]; {
	case !ok || found.err == nil && found.copy < 0:
		return -1, nil, false
	case found.err != nil:
		return -1, found.err, true
	default: // nobody closes it meanwhile
		fd, err = reopen(found.copy)
		return fd, err, true
	}
}

// reopen opens a copy for reading, with an offset of its own.
func reopen(fd int) (int, error) {
	again, e := open(own(fd), unix.O_RDONLY)
	if e != 0 {
		return -1, fmt.Errorf("open the copy: %w", e)
	}
	return again, nil
}

// standsFor lets a copy be mapped as its file. That outlives the copy's place among
// those that are kept, since who has it may map it later.
func (v *verified) standsFor(fd int, of copyFor) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return
	}
	v.Lock()
	defer v.Unlock()
	if v.copies == nil || len(v.copies) > maxImages {
		v.copies = map[ID]copyFor{}
	}
	v.copies[identify(&st)] = of
}

// of returns the file that a copy stands for.
func (v *verified) of(id ID) (copyFor, bool) {
	v.Lock()
	defer v.Unlock()
	of, ok := v.copies[id]
	return of, ok
}

// remember keeps a verdict for the next open of the same version, and tells whether
// it did. Of a file that changed while it was read, or a moment before, nothing is
// kept.
func (s *Supervisor) remember(fd int, key version, found verdict) bool {
	st, now, err := regular(fd, key.pin)
	if err != nil || now != key || found.copy < 0 && !settled(&st) {
		return false
	}
	v := &s.verified
	v.Lock()
	defer v.Unlock()
	if old, known := v.known[key]; known && (old.copy >= 0 || found.copy < 0) {
		return false // another thread was faster
	}
	size := int64(0)
	if found.copy >= 0 {
		size = key.size
	}
	if v.known == nil || v.size+size > maxCopies || len(v.known) >= v.limit {
		v.forget()
	}
	v.known[key] = found
	v.size += size
	return true
}

// forget closes all copies. Who has one keeps it.
func (v *verified) forget() {
	for _, old := range v.known {
		closeCopy(old.copy)
	}
	v.known, v.size, v.limit = map[version]verdict{}, 0, maxKept
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) == nil {
		v.limit = int(min(files.Cur/keptPart, maxKept))
	}
}

func closeCopy(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}
