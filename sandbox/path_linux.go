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

// realPath resolves every symbolic link of an absolute path, as the kernel does.
func realPath(p string) (string, error) {
	fd, err := unix.Open(p, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &fs.PathError{Op: "open", Path: p, Err: err}
	}
	defer unix.Close(fd)
	var b [4096]byte
	n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), b[:])
	if err != nil { // no proc here
		return filepath.EvalSymlinks(p)
	}
	return string(b[:n]), nil
}

// maxLinks is how many symbolic links the kernel follows (include/linux/namei.h).
const maxLinks = 40

// futurePath resolves a path whose last components may not exist: what exists is
// resolved, dangling symbolic links included, and the rest is added. It returns
// what an open for creating would make.
func futurePath(p string) (resolved string, exists bool, err error) {
	rest := ""
	for links := 0; ; {
		real, err := realPath(p)
		if err == nil {
			return path.Join(real, rest), rest == "", nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", false, err
		}
		if target, err := os.Readlink(p); err == nil { // it dangles
			if links++; links > maxLinks {
				return "", false, &fs.PathError{Op: "open", Path: p, Err: unix.ELOOP}
			}
			if !path.IsAbs(target) {
				dir, err := realPath(path.Dir(p))
				if err != nil {
					return "", false, err
				}
				target = dir + "/" + target
			}
			p = path.Clean(target)
			continue
		}
		rest = path.Join(path.Base(p), rest)
		p = path.Dir(p)
	}
}

// isDir tells whether a resolved path is a directory.
func isDir(p string) bool {
	var st unix.Stat_t
	return unix.Lstat(p, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
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
