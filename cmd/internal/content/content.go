// Package content hashes the files that a command line or a manifest names. It
// never waits for a file that is not regular, and never returns the digest of a
// mixture of two contents, as far as size and time of a file tell. What is hashed
// is what the path names now: it binds nobody later.
package content

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"sandrun/integrity"
)

// A KindError is a file that has no content of its own to be hashed.
type KindError struct{ Kind string }

// Error says what it is.
func (e *KindError) Error() string { return "it is " + e.Kind + ", not a regular file" }

// errChanged is a file that is written while it is read, or that the kernel makes
// up while it is read, as those of /proc.
var errChanged = errors.New("its size or time changes while it is read")

// tries is how often a file is looked at that changes meanwhile.
const tries = 3

// settled is the age of a change that is over. A write sets the time when it
// begins (mm/filemap.c), so a fresh time may be of one that goes on.
const settled = 20 * time.Millisecond

// Hash returns the digest of a regular file. The error does not name it.
func Hash(name, algorithm string) (d integrity.Digest, err error) {
	for range tries {
		if d, err = hashOnce(name, algorithm); !errors.Is(err, errChanged) {
			break
		}
	}
	return d, withoutPath(err)
}

func hashOnce(name, algorithm string) (d integrity.Digest, err error) {
	// To open a device may already do something, so the first look is at the name.
	info, err := os.Stat(name)
	if err := regular(info, err); err != nil {
		return d, err
	}
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return d, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err := regular(before, err); err != nil {
		return d, err
	}
	if age := time.Since(before.ModTime()); 0 <= age && age < settled {
		time.Sleep(settled - age)
		return d, errChanged
	}
	// One byte more than there should be ends a file that never would.
	content := io.LimitedReader{R: impatient{f}, N: before.Size() + 1}
	if d, err = integrity.Sum(algorithm, &content); err != nil {
		return d, err
	}
	after, err := f.Stat()
	if err != nil {
		return integrity.Digest{}, err
	}
	if content.N != 1 || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return integrity.Digest{}, errChanged
	}
	return d, nil
}

// regular refuses what is no regular file, or could not be looked at.
func regular(info fs.FileInfo, err error) error {
	if err != nil || info.Mode().IsRegular() {
		return err
	}
	return &KindError{kindOf(info.Mode())}
}

func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// impatient reads a file without waiting: os.File would wait for more of
// /proc/kmsg, which calls itself regular.
type impatient struct{ file *os.File }

func (r impatient) Read(p []byte) (n int, err error) {
	conn, err := r.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	outer := conn.Read(func(fd uintptr) (done bool) {
		n, err = syscall.Read(int(fd), p)
		return true
	})
	switch {
	case outer != nil:
		return 0, outer
	case err == syscall.EINTR:
		return 0, nil
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// withoutPath leaves the cause of an error.
func withoutPath(err error) error {
	var inner *os.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}
