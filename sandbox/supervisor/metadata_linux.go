package supervisor

import (
	"path"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/listener"
)

// writeMetadata finds the file that a call means, pins it, judges it, and
// carries the call out on it.
func (s *server) writeMetadata(n *listener.Notification, c call) {
	fd, e := s.pin(n, &c)
	if e != 0 {
		s.answer(n, e)
		return
	}
	var d *Denial
	switch name, link, ok := s.judgeMetadata(fd); {
	case c.meansDescriptor(n) && isPath(fd): // as the kernel's own f-calls answer
		e = unix.EBADF
	case !ok:
		denial := s.denial(n, policy.FSWrite, name, unix.EPERM)
		denial.Entry = link
		d = &denial
	default:
		e = c.apply(s, n, fd)
	}
	// Before the caller goes on: nobody executes a file that is open for writing.
	unix.Close(fd)
	if d != nil {
		s.report(n, *d, func() { s.listener.Continue(n.ID) })
		return
	}
	s.answer(n, e)
}

// answer ends a call that was carried out here.
func (s *server) answer(n *listener.Notification, e syscall.Errno) {
	switch e {
	case noAnswer:
		return
	case 0:
	default:
		s.listener.Refuse(n.ID, e)
		return
	}
	s.listener.Return(n.ID, 0)
}

// pin opens the file that the call means, so that nothing that changes
// afterwards makes it mean another.
func (s *server) pin(n *listener.Notification, c *call) (int, syscall.Errno) {
	base := int32(unix.AT_FDCWD)
	if c.base >= 0 {
		base = int32(n.Args[c.base])
	}
	if c.path < 0 {
		return s.pinDescriptor(n, base)
	}
	flags := uint32(0)
	if c.flags >= 0 {
		flags = uint32(n.Args[c.flags])
	}
	if flags&^(unix.AT_SYMLINK_NOFOLLOW|unix.AT_EMPTY_PATH) != 0 {
		return -1, unix.EINVAL
	}
	if c.meansDescriptor(n) {
		switch {
		case base == unix.AT_FDCWD:
			return -1, unix.EFAULT
		case flags != 0:
			return -1, unix.EINVAL
		}
		return s.pinDescriptor(n, base)
	}
	name, e := s.path(n, n.Args[c.path], policy.FSWrite)
	if e != 0 {
		return -1, e
	}
	if name == "" {
		if flags&unix.AT_EMPTY_PATH == 0 {
			return -1, unix.ENOENT
		}
		return s.pinDescriptor(n, base)
	}
	if !s.listener.Valid(n.ID) {
		return -1, unix.EINTR
	}
	return s.pinPath(n, base, name, c.nofollow || flags&unix.AT_SYMLINK_NOFOLLOW != 0)
}

// pinDescriptor copies a descriptor of the caller, or pins its working
// directory.
func (s *server) pinDescriptor(n *listener.Notification, fd int32) (int, syscall.Errno) {
	if fd == unix.AT_FDCWD {
		return open(ofThread(n.PID, "cwd"), unix.O_PATH)
	}
	if fd < 0 {
		return -1, unix.EBADF
	}
	copied, e := duplicate(n.PID, fd)
	if e == 0 && !s.listener.Valid(n.ID) {
		unix.Close(copied)
		return -1, unix.EINTR
	}
	return copied, e
}

// pinPath resolves a name as the caller would, first without the magic links of
// /proc: those of /proc/self would be the supervisor's. The one spelling of them
// that the C library uses, a path of a descriptor, is carried out as such.
func (s *server) pinPath(n *listener.Notification, base int32, name string, nofollow bool) (int, syscall.Errno) {
	if fd, ok := descriptorOf(name); ok && !nofollow {
		return s.pinDescriptor(n, fd)
	}
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_MAGICLINKS}
	if nofollow {
		how.Flags |= unix.O_NOFOLLOW
	}
	dir := unix.AT_FDCWD
	if !path.IsAbs(name) {
		from := ofThread(n.PID, "cwd")
		if base != unix.AT_FDCWD {
			from = ofDescriptor(n.PID, base)
		}
		opened, e := open(from, unix.O_PATH|unix.O_DIRECTORY)
		if e == unix.ENOENT {
			e = unix.EBADF
		}
		if e != 0 {
			return -1, e
		}
		defer unix.Close(opened)
		dir = opened
	}
	fd, err := unix.Openat2(dir, name, &how)
	if err == unix.ELOOP { // a loop, or a magic link on the way
		located, e := s.pinPlace(n, route{base: base, path: name, follow: !nofollow})
		if e != 0 {
			return -1, e
		}
		fd, err = located, nil
	}
	if err != nil {
		return -1, err.(syscall.Errno)
	}
	if !s.listener.Valid(n.ID) {
		unix.Close(fd)
		return -1, unix.EINTR
	}
	return fd, 0
}

// pinPlace opens what a path leads to by way of the caller's own magic links.
func (s *server) pinPlace(n *listener.Notification, r route) (int, syscall.Errno) {
	p, e := s.locate(n, r)
	if e != 0 {
		return -1, e
	}
	defer p.close()
	switch {
	case p.thing >= 0:
		fd, err := unix.FcntlInt(uintptr(p.thing), unix.F_DUPFD_CLOEXEC, 0)
		return fd, result(err)
	case !p.exists:
		return -1, unix.ENOENT
	}
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	return openat2(p.dir, p.name, &how)
}

// descriptorOf reads the number in a path such as /proc/self/fd/3.
func descriptorOf(name string) (int32, bool) {
	for _, dir := range [...]string{"/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/"} {
		rest, ok := strings.CutPrefix(name, dir)
		if !ok || rest == "" || len(rest) > 6 || rest[0] == '0' && rest != "0" {
			continue
		}
		fd := int32(0)
		for _, c := range []byte(rest) {
			if c < '0' || c > '9' {
				return 0, false
			}
			fd = fd*10 + int32(c-'0')
		}
		return fd, true
	}
	return 0, false
}

func open(name string, flags int) (int, syscall.Errno) {
	fd, err := unix.Open(name, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err.(syscall.Errno)
	}
	return fd, 0
}

// isPath tells whether a descriptor was opened with O_PATH.
func isPath(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err != nil || flags&unix.O_PATH != 0
}

// judgeMetadata decides on a pinned file, which it names: it is granted if its path
// is, or if the caller has it open for writing by its own right. Device nodes never
// are.
func (s *server) judgeMetadata(fd int) (name string, link, granted bool) {
	name, err := readLink(own(fd))
	if err != nil {
		return "", false, false
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return name, false, false
	}
	kind := st.Mode & unix.S_IFMT
	link = kind == unix.S_IFLNK
	if kind == unix.S_IFCHR || kind == unix.S_IFBLK {
		return name, link, false
	}
	f := s.rules.Files()
	onKernel := onKernelFS(fd) || s.rules.KernelFile(name)
	if f.mayChange(name, identify(&st), kind == unix.S_IFDIR) && (!onKernel || f.namesKernelFile(name)) {
		return name, link, true
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_PATH != 0 {
		return name, link, false
	}
	// The access mode 3 is neither reading nor writing, and Landlock lets every
	// file be opened with it; the filter refuses it too.
	if mode := flags & unix.O_ACCMODE; mode != unix.O_WRONLY && mode != unix.O_RDWR {
		return name, link, false
	}
	// A descriptor that came in as 0 to 2 was not opened under any grant, and
	// the target can copy it to another number.
	return name, link, kind == unix.S_IFREG && !s.stdio[identify(&st)] && !onKernel
}

// kernelMagic are the statfs(2) types of the file systems that no grant includes.
var kernelMagic = [...]int64{
	unix.PROC_SUPER_MAGIC, unix.SYSFS_MAGIC, unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC,
	unix.DEBUGFS_MAGIC, unix.TRACEFS_MAGIC, unix.SECURITYFS_MAGIC, unix.EFIVARFS_MAGIC,
	unix.BPF_FS_MAGIC, configfsMagic,
}

const configfsMagic = 0x62656570 // include/uapi has it since no release; fs/configfs

func onKernelFS(fd int) bool {
	var st unix.Statfs_t
	if unix.Fstatfs(fd, &st) != nil {
		return true
	}
	for _, m := range kernelMagic {
		if int64(st.Type) == m {
			return true
		}
	}
	return false
}
