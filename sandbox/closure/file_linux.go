package closure

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is the kernel's limit on symbolic links in one path (MAXSYMLINKS).
const maxLinks = 40

// A disk looks files up, and remembers what it saw of directories and links: a
// closure asks for the same few directories over and over.
type disk struct {
	buf      []byte              // for the target of a link
	links    map[string]string   // where a path leads, "" if it is no link
	variants map[string][]string // glibc-hwcaps directories of a library directory
}

func newDisk() disk {
	return disk{make([]byte, maxPath), make(map[string]string, 80), map[string][]string{}}
}

// release closes the descriptor of a file that no rule is made for.
func (f File) release() {
	if f.Pin != 0 {
		_ = unix.Close(f.Pin)
	}
}

// real resolves the symbolic links of an absolute path.
func (d disk) real(path string) (string, error) {
	links := 0
	return d.walk("", path, &links)
}

// walk follows a path from a directory that is free of links; "" is the root.
func (d disk) walk(dir, path string, links *int) (string, error) {
	if strings.HasPrefix(path, "/") {
		dir = ""
	}
	for name := range strings.SplitSeq(path, "/") {
		switch name {
		case "", ".":
			continue
		case "..":
			if !isDir(dir + "/") {
				return "", unix.ENOTDIR
			}
			dir = dir[:max(0, strings.LastIndexByte(dir, '/'))]
			continue
		}
		full := dir + "/" + name
		target, err := d.link(full)
		if err != nil {
			return "", err
		}
		if target == "" {
			dir = full
			continue
		}
		if *links++; *links > maxLinks {
			return "", unix.ELOOP
		}
		if dir, err = d.walk(dir, target, links); err != nil {
			return "", err
		}
		if dir == "/" {
			dir = ""
		}
	}
	if dir == "" {
		return "/", nil
	}
	return dir, nil
}

func (d disk) link(path string) (string, error) {
	if target, ok := d.links[path]; ok {
		return target, nil
	}
	n, err := unix.Readlink(path, d.buf)
	switch err {
	case nil:
	case unix.EINVAL: // exists, and is no link
		n = 0
	default:
		return "", err
	}
	target := string(d.buf[:n])
	d.links[path] = target
	return target, nil
}

// absolute makes a path absolute. The part that is added is lexical, what the
// path says is not touched.
func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return dir + "/" + path
}

// A file is a regular file, open for reading.
type file int

// open opens a regular file, and nothing else: opening a device can have effects, and
// opening a FIFO blocks. So the file is pinned before it is opened. To look at the name
// first and to follow no symbolic link is faster and not enough: who may rename a directory
// above can put another in its place on which a file system with devices is mounted.
func open(path string) (file, error) {
	pin, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(pin)
	if err := regular(pin); err != nil {
		return -1, err
	}
	// Non-blocking, or the holder of a lease could make this wait.
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(pin), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	return file(fd), err
}

// regular tells what is wrong with reading an opened file.
func regular(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return nil
	case unix.S_IFDIR:
		return unix.EISDIR
	}
	return errors.New("not a regular file")
}

func (f file) close() { _ = unix.Close(int(f)) }

// ReadAt reads as io.ReaderAt wants it.
func (f file) ReadAt(b []byte, offset int64) (int, error) {
	total := 0
	for total < len(b) {
		n, err := unix.Pread(int(f), b[total:], offset+int64(total))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return total, err
		case n == 0:
			return total, io.EOF
		default:
			total += n
		}
	}
	return total, nil
}

// readFile reads a regular file of at most limit bytes.
func readFile(path string, limit int) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f), &st); err != nil {
		return nil, err
	}
	if st.Size > int64(limit) {
		return nil, fmt.Errorf("larger than %d bytes", limit)
	}
	b := make([]byte, st.Size)
	n, err := f.ReadAt(b, 0)
	if err == io.EOF {
		err = nil
	}
	return b[:n], err
}

// exists tells whether a path names anything.
func (d disk) exists(path string) bool {
	_, err := d.real(path)
	return err == nil
}

// isDir tells whether a path leads to a directory.
func isDir(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}
