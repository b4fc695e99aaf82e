package supervisor

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ofThread returns a path below a thread's own entry in /proc, which names what
// is the caller's, and never the supervisor's, as /proc/self would.
func ofThread(tid uint32, entry string) string {
	return "/proc/" + strconv.FormatUint(uint64(tid), 10) + "/" + entry
}

func ofDescriptor(tid uint32, fd int32) string {
	return ofThread(tid, "fd/"+strconv.Itoa(int(fd)))
}

// own returns the path of one of the supervisor's descriptors.
func own(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

func stat(path string) (unix.Stat_t, error) {
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	return st, err
}

func identify(st *unix.Stat_t) ID { return ID{uint64(st.Dev), st.Ino} }

// Identify returns the device and inode of a file.
func Identify(path string) (dev, ino uint64, err error) {
	st, err := stat(path)
	return uint64(st.Dev), st.Ino, err
}

// readLink reads a link of /proc, which are no longer than a path.
func readLink(path string) (string, error) {
	var b [pathMax]byte
	n, err := unix.Readlink(path, b[:])
	if err != nil {
		return "", err
	}
	return string(b[:n]), nil
}

// group returns the process of a thread.
func group(tid uint32) (int, bool) {
	var b [512]byte
	fd, err := unix.Open(ofThread(tid, "status"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, b[:])
	if err != nil {
		return 0, false
	}
	_, rest, ok := strings.Cut(string(b[:n]), "\nTgid:\t")
	if !ok {
		return 0, false
	}
	line, _, _ := strings.Cut(rest, "\n")
	pid, err := strconv.Atoi(line)
	return pid, err == nil
}

// duplicate copies a descriptor of a thread, atomically: flags and file of the
// copy belong together, whatever other threads do to the number.
func duplicate(tid uint32, fd int32) (int, syscall.Errno) {
	const thread = unix.O_EXCL // PIDFD_THREAD, Linux 6.9
	pidfd, err := unix.PidfdOpen(int(tid), thread)
	if err == unix.EINVAL {
		pid, ok := group(tid)
		if !ok {
			return -1, unix.EACCES
		}
		// A thread without CLONE_FILES has a table of its own; what is copied is
		// then the leader's file, which the target has as well.
		pidfd, err = unix.PidfdOpen(pid, 0)
	}
	if err != nil {
		return -1, unix.EACCES
	}
	defer unix.Close(pidfd)
	copied, err := unix.PidfdGetfd(pidfd, int(fd), 0)
	switch err {
	case nil:
		return copied, 0
	case unix.EBADF:
		return -1, unix.EBADF
	}
	return -1, unix.EACCES
}
