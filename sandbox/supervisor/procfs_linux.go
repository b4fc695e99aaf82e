package supervisor

import (
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// What /proc/self and /proc/thread-self lead to depends on who looks, and the
// links of a process's entries lead past every path. So whatever leads through
// them is followed here by hand, for the caller and only into its own process.

// isOurs tells whether a path lies in the supervisor's own entries of /proc: the
// caller's path went through /proc/self.
func (s *server) isOurs(real string) bool {
	return real == s.self || strings.HasPrefix(real, s.self) && real[len(s.self)] == '/'
}

// selfPath is the supervisor's own directory in /proc.
func selfPath() string { return "/proc/" + strconv.Itoa(os.Getpid()) }

// spell writes the caller's own entries of /proc as grants name them.
func (s *server) spell(n *listener.Notification, real string) string {
	rest, ok := strings.CutPrefix(real, "/proc/")
	if !ok || rest == "" || rest[0] < '0' || rest[0] > '9' {
		return real
	}
	number, rest, _ := strings.Cut(rest, "/")
	pid, known := group(n.PID)
	if !known || number != strconv.Itoa(pid) {
		return real
	}
	return path.Join("/proc/self", rest)
}

// walk follows a path to a directory by hand, component by component.
func (s *server) walk(n *listener.Notification, base int, text string, r route) (int, string, syscall.Errno) {
	if r.resolve&(unix.RESOLVE_BENEATH|unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_XDEV) != 0 {
		return -1, "", unix.EXDEV // as magic links answer; /proc is another file system
	}
	at, e := walkStart(base, text)
	if e != 0 {
		return -1, "", e
	}
	rest := strings.Split(text, "/")
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." {
			continue
		}
		next, target, e := s.enter(n, at, name)
		if e != 0 {
			unix.Close(at)
			return -1, "", e
		}
		if target != "" {
			if links++; links > maxLinks {
				unix.Close(at)
				return -1, "", unix.ELOOP
			}
			rest = append(strings.Split(target, "/"), rest...)
			if target[0] != '/' {
				continue
			}
			if next, e = open("/", unix.O_PATH|unix.O_DIRECTORY); e != 0 {
				unix.Close(at)
				return -1, "", e
			}
		}
		unix.Close(at)
		at = next
	}
	return s.arrive(n, at)
}

func walkStart(base int, text string) (int, syscall.Errno) {
	if text[0] == '/' {
		return open("/", unix.O_PATH|unix.O_DIRECTORY)
	}
	if base < 0 {
		return -1, unix.EACCES // a link's target is never relative to nothing
	}
	fd, err := unix.FcntlInt(uintptr(base), unix.F_DUPFD_CLOEXEC, 0)
	return fd, result(err)
}

// arrive checks that what was found is a directory, and names it.
func (s *server) arrive(n *listener.Notification, at int) (int, string, syscall.Errno) {
	var st unix.Stat_t
	err := unix.Fstat(at, &st)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		err = unix.ENOTDIR
	}
	real := ""
	if err == nil {
		real, err = readLink(own(at))
	}
	if err == nil && s.isOurs(real) { // the target named the supervisor by its pid
		err = unix.EACCES
	}
	if err != nil {
		unix.Close(at)
		return -1, "", err.(syscall.Errno)
	}
	return at, s.spell(n, real), 0
}

// enter opens one component of a directory, or returns the target of a link.
func (s *server) enter(n *listener.Notification, at int, name string) (next int, target string, e syscall.Errno) {
	fd, err := unix.Openat(at, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, "", err.(syscall.Errno)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return fd, "", result(err)
	}
	defer unix.Close(fd)
	target, magic, e := s.target(n, at, name)
	if e != 0 || !magic {
		return -1, target, e
	}
	next, err = unix.Openat(at, name, unix.O_PATH|unix.O_CLOEXEC, 0)
	return next, "", result(err)
}

// target reads a link in a directory. A magic link has no target that could be
// read; only those of the caller's own process are followed.
func (s *server) target(n *listener.Notification, dir int, name string) (text string, magic bool, e syscall.Errno) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(dir, &fs); err != nil {
		return "", false, err.(syscall.Errno)
	}
	if fs.Type == unix.PROC_SUPER_MAGIC {
		return s.procTarget(n, dir, name)
	}
	text, e = readLinkAt(dir, name)
	return text, false, e
}

func (s *server) procTarget(n *listener.Notification, dir int, name string) (string, bool, syscall.Errno) {
	real, err := readLink(own(dir))
	if err != nil {
		return "", false, unix.EACCES
	}
	pid, ok := group(n.PID)
	if !ok {
		return "", false, unix.EACCES
	}
	own := "/proc/" + strconv.Itoa(pid)
	switch {
	case real == "/proc" && name == "self":
		return strconv.Itoa(pid), false, 0
	case real == "/proc" && name == "thread-self":
		return strconv.Itoa(pid) + "/task/" + strconv.FormatUint(uint64(n.PID), 10), false, 0
	case real == "/proc": // mounts, net
		text, e := readLinkAt(dir, name)
		return text, false, e
	case real == own || strings.HasPrefix(real, own+"/"):
		return "", true, 0
	}
	return "", false, unix.EACCES
}

func readLinkAt(dir int, name string) (string, syscall.Errno) {
	var b [pathMax]byte
	n, err := unix.Readlinkat(dir, name, b[:])
	if err != nil {
		return "", err.(syscall.Errno)
	}
	if n == 0 {
		return "", unix.ENOENT
	}
	return string(b[:n]), 0
}

// link reads a symbolic link at the end of a path, or pins what a magic link
// leads to.
func (s *server) link(n *listener.Notification, p *place, resolve uint64) (target string, thing *place, e syscall.Errno) {
	if resolve&unix.RESOLVE_NO_SYMLINKS != 0 {
		return "", nil, unix.ELOOP
	}
	name := strings.TrimRight(p.name, "/")
	target, magic, e := s.target(n, p.dir, name)
	switch {
	case e != 0:
		return "", nil, e
	case !magic && !mayFollow(p):
		return "", nil, unix.EACCES
	// The kernel takes the root for another mount unless it has been there on the way.
	case !magic && path.IsAbs(target) && resolve&(unix.RESOLVE_BENEATH|unix.RESOLVE_NO_XDEV) != 0:
		return "", nil, unix.EXDEV
	case !magic:
		return target, nil, 0
	case resolve&unix.RESOLVE_NO_MAGICLINKS != 0:
		return "", nil, unix.ELOOP
	case resolve&(unix.RESOLVE_BENEATH|unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_XDEV) != 0:
		return "", nil, unix.EXDEV
	}
	fd, err := unix.Openat(p.dir, name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, err.(syscall.Errno)
	}
	found := &place{dir: -1, thing: fd, exists: true, via: p.path}
	if err = unix.Fstat(fd, &found.stat); err == nil {
		found.path, err = readLink(own(fd))
	}
	if err == nil && strings.HasSuffix(p.name, "/") && !found.isDir() {
		err = unix.ENOTDIR
	}
	if err != nil {
		unix.Close(fd)
		return "", nil, err.(syscall.Errno)
	}
	if s.isOurs(found.path) {
		unix.Close(fd)
		return "", nil, unix.EACCES
	}
	found.path = s.spell(n, found.path)
	return "", found, 0
}
