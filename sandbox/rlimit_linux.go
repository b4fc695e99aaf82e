package sandbox

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// openFiles returns the limit on open files that sandrun was started with, which
// the target must get. The Go runtime raises the soft limit at its start and
// tells nobody the old one; but syscall.Exec puts it back before it executes, and
// with a path that cannot be executed that is all it does.
func openFiles() (unix.Rlimit, error) {
	var raised, started unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &raised); err != nil {
		return started, fmt.Errorf("getrlimit: %w", err)
	}
	if err := syscall.Exec("", nil, nil); err != unix.ENOENT {
		return started, fmt.Errorf("execve of nothing: %w", err)
	}
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &started); err != nil {
		return started, fmt.Errorf("getrlimit: %w", err)
	}
	return started, unix.Setrlimit(unix.RLIMIT_NOFILE, &raised)
}
