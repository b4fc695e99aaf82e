package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/landlock"
)

// A tree is the processes of the target.
type tree struct {
	// scoped: this thread carries a domain that confines its signals to itself
	// and to the target's domain below it.
	scoped bool
	first  int // the process that was launched
}

// confine prepares the supervisor: nobody may read or trace it, orphans of the
// target become its children, and the calling thread, which must be the main
// thread, can reach no process by a signal but the target's.
//
// The target cannot signal this thread: its own domain lies below.
func confine(handled landlock.Rights) (tree, error) {
	if err := ownProc(); err != nil {
		return tree{}, err
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return tree{}, fmt.Errorf("prctl(PR_SET_DUMPABLE): %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return tree{}, fmt.Errorf("prctl(PR_SET_CHILD_SUBREAPER): %w", err)
	}
	if handled.Scoped&landlock.Signals == 0 {
		// What could not be killed at the end is not started.
		_, err := children()
		return tree{}, err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return tree{}, fmt.Errorf("prctl(PR_SET_NO_NEW_PRIVS): %w", err)
	}
	if err := landlock.Scope(landlock.Signals); err != nil {
		return tree{}, err
	}
	return tree{scoped: true}, nil
}

// ownProc refuses to supervise where /proc shows the processes of another pid
// namespace: a caller would be taken for a stranger who has its number there.
func ownProc() error {
	var b [32]byte
	n, err := unix.Readlink("/proc/self", b[:])
	if err != nil {
		return fmt.Errorf("readlink /proc/self: %w (a supervised run needs /proc)", err)
	}
	if string(b[:n]) != strconv.Itoa(os.Getpid()) {
		return errors.New("/proc is of another pid namespace than this process: mount proc here")
	}
	return nil
}

// kill ends every process of the target. With the scope one call reaches them
// all at once, which no chain of forks outruns; everything outside is out of
// reach. Without it, on kernels before 6.12, children are killed and reaped until
// none is left. The first process is not reaped: see wait.
func (t tree) kill() {
	if t.scoped && unreachable(os.Getppid()) {
		_ = unix.Kill(-1, unix.SIGKILL)
		return
	}
	for t.killChildren() {
	}
}

// killChildren ends those who are children now, and tells whether there were any
// besides the first process. Their own children become ours.
func (t tree) killChildren() (others bool) {
	reaping.Lock()
	defer reaping.Unlock()
	pids, err := children()
	if err != nil { // it worked at the start: too many open files, for a moment
		time.Sleep(time.Millisecond)
		return true
	}
	for _, pid := range pids {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	for _, pid := range pids {
		options := unix.WEXITED
		if pid == t.first {
			options |= unix.WNOWAIT
		} else {
			others = true
		}
		for unix.Waitid(unix.P_PID, pid, nil, options, nil) == unix.EINTR {
		}
	}
	return others
}

// unreachable tells whether the scope is really in force for this thread. A
// kill(-1) that nothing confines would end everything that the user runs, so the
// kernel is asked first.
func unreachable(parent int) bool {
	return unix.Gettid() == os.Getpid() && (parent == 0 || unix.Kill(parent, 0) == unix.EPERM)
}

// children lists the children of this process, orphans of the target included.
// A child that has ended stays among them until it is reaped, so that the list is
// empty only when no process of the target is left.
func children() (pids []int, err error) {
	const tasks = "/proc/self/task/"
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return nil, fmt.Errorf("list the children: %w", err)
	}
	for _, t := range threads {
		data, err := os.ReadFile(tasks + t.Name() + "/children")
		if errors.Is(err, os.ErrNotExist) && t.Name() != strconv.Itoa(os.Getpid()) {
			continue // the thread has ended; the main thread never does
		}
		if err != nil {
			return nil, fmt.Errorf("list the children: %w", err)
		}
		for _, field := range bytes.Fields(data) {
			if pid, err := strconv.Atoi(string(field)); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids, nil
}
