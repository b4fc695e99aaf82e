package closure

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// terminal returns the controlling terminal, if one of the descriptors is it:
// under its own name and as /dev/tty.
func terminal(fds ...int) []File {
	for _, fd := range fds {
		path, ok := terminalPath(fd)
		if !ok {
			continue
		}
		const why = "the controlling terminal"
		return []File{
			{Path: "/dev/tty", Access: Read | Write, Terminal: true, Why: why},
			{Path: path, Access: Read | Write, Terminal: true, Why: why},
		}
	}
	return nil
}

// terminalPath names the controlling terminal if a descriptor is it. A terminal
// tells its session to nobody but that session; only the master side of a
// pseudo terminal tells everybody, and that is named ptmx.
func terminalPath(fd int) (string, bool) {
	var st, named unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR {
		return "", false
	}
	session, err := unix.IoctlGetInt(fd, unix.TIOCGSID)
	if err != nil {
		return "", false
	}
	own, err := unix.Getsid(0)
	if err != nil || own != session {
		return "", false
	}
	var buf [maxPath]byte
	n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), buf[:])
	path := string(buf[:max(n, 0)])
	if err != nil || !strings.HasPrefix(path, "/dev/") || strings.HasSuffix(path, "ptmx") {
		return "", false
	}
	// The name is of the mount where it was opened, which need not be visible.
	if unix.Lstat(path, &named) != nil || named.Rdev != st.Rdev || named.Dev != st.Dev {
		return "", false
	}
	return path, true
}
