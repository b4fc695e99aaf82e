package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// realPath resolves every symbolic link of an absolute path, as the kernel does,
// and tells whether it is a directory.
func realPath(p string) (real string, dir bool, err error) {
	// Most paths have no symbolic link in them, and then they are their own answer.
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	fd, err := unix.Openat2(unix.AT_FDCWD, p, &how)
	// An outer sandbox may refuse openat2, as sandrun's own filter does.
	linked := err == unix.ELOOP || err == unix.ENOSYS || err == unix.EPERM
	if linked {
		fd, err = unix.Open(p, unix.O_PATH|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return "", false, &fs.PathError{Op: "open", Path: p, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", false, &fs.PathError{Op: "stat", Path: p, Err: err}
	}
	dir = st.Mode&unix.S_IFMT == unix.S_IFDIR
	if !linked && path.Clean(p) == p {
		return p, dir, nil
	}
	var b [4096]byte
	n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), b[:])
	if err != nil { // no proc here
		real, err = filepath.EvalSymlinks(p)
		return real, dir, err
	}
	return string(b[:n]), dir, nil
}

// maxLinks is how many symbolic links the kernel follows (include/linux/namei.h).
const maxLinks = 40

// A place is where a path leads.
type place struct {
	path   string // without symbolic links
	exists bool
	dir    bool
}

// find resolves a path whose last components may not exist: what exists is
// resolved, dangling symbolic links included, and the rest is added. It returns
// what an open for creating would make. The path need not be clean: ".." after a
// symbolic link means the parent of its target.
func find(p string) (place, error) {
	rest := ""
	for links := 0; ; {
		real, dir, err := realPath(p)
		if err == nil {
			return place{path.Join(real, rest), rest == "", dir && rest == ""}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return place{}, err
		}
		parent, base := split(p)
		if target, err := os.Readlink(p); err == nil { // it dangles
			if links++; links > maxLinks {
				return place{}, &fs.PathError{Op: "open", Path: p, Err: unix.ELOOP}
			}
			if !path.IsAbs(target) {
				target = parent + "/" + target
			}
			p = target
			continue
		}
		rest = path.Join(base, rest)
		p = parent
	}
}

// split takes the last component off a path. What is left is not cleaned, but a
// ".." that would be the last component is: there is nothing to be the parent of.
func split(p string) (parent, base string) {
	parent, base = path.Split(strings.TrimRight(p, "/"))
	if base == "." || base == ".." {
		parent, base = path.Split(path.Clean(p))
	}
	if parent != "/" {
		parent = strings.TrimRight(parent, "/")
	}
	if parent == "" {
		parent = "/"
	}
	return parent, base
}

// entries lists the names in a directory that begin with a prefix, symbolic links
// left out: a grant does not follow the links that it finds.
func entries(dir, prefix string) ([]string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range list {
		if strings.HasPrefix(e.Name(), prefix) && e.Type()&fs.ModeSymlink == 0 {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
