package sandbox

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/supervisor"
)

// A pinned program is watched through its exec: a name could come to mean another
// file after it was verified, so what has started is looked at before its first
// instruction. The child asks to be traced, since nobody else may trace it.

// watchExec waits until the target has executed, and ends it if it is another file
// than the one that was verified. If the target ends before, there is nothing to do.
func (g *guarded) watchExec(pid int, program string) error {
	const execEvent = int32(unix.SIGTRAP) | unix.PTRACE_EVENT_EXEC<<8
	first := true
	for {
		c, e := peek(unix.P_PID, pid, unix.WEXITED|unix.WSTOPPED)
		switch {
		case e == unix.EINTR:
			continue
		case e != 0 || c.ended():
			return nil
		case first: // it has stopped itself
			first = false
			e := supervisor.Ptrace(unix.PTRACE_SETOPTIONS, pid, unix.PTRACE_O_TRACEEXEC|unix.PTRACE_O_EXITKILL)
			if e == 0 {
				e = supervisor.Ptrace(unix.PTRACE_CONT, pid, 0)
			}
			if e != 0 {
				return g.stop(pid, program, e)
			}
		case c.status != execEvent: // a signal on its way
			if e := supervisor.Ptrace(unix.PTRACE_CONT, pid, uintptr(c.status)); e != 0 {
				return g.stop(pid, program, e)
			}
		default:
			err := g.started(pid)
			if err == nil {
				if e := supervisor.Ptrace(unix.PTRACE_DETACH, pid, 0); e != 0 {
					err = e
				}
			}
			if err != nil {
				return g.stop(pid, program, err)
			}
			return nil
		}
	}
}

// started looks at a target that has executed and not run yet. Its arguments tell
// what the kernel has read from a #! line.
func (g *guarded) started(pid int) error {
	var st unix.Stat_t
	if err := unix.Stat("/proc/"+strconv.Itoa(pid)+"/exe", &st); err != nil {
		return err
	}
	if (supervisor.ID{Dev: uint64(st.Dev), Ino: st.Ino}) != g.exe || !supervisor.BeginsWith(uint32(pid), g.seen) {
		return errReplaced
	}
	for i := range g.files {
		if f := &g.files[i]; f.loader && !supervisor.HasMapped(pid, f.stat.Ino) {
			return fmt.Errorf("its ELF interpreter %q: %w", f.path, errReplaced)
		}
	}
	return g.unchanged()
}

var errReplaced = errors.New("another file was put in its place while it started")

// stop ends a target that has not run an instruction of its own.
func (g *guarded) stop(pid int, program string, why error) error {
	_ = unix.Kill(pid, unix.SIGKILL)
	return &IntegrityError{program, why}
}
