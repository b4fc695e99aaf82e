package sandbox

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
)

// A stage names the raw call that a sealed thread was at; it travels through
// the report pipe beside an errno or, for stageListening, a descriptor.
type stage uint32

const (
	stageListening stage = iota + 1 // not a failure: the listener's descriptor
	stageParent
	stageTrace
	stageLimits
	stageMDWE
	stageNoNewPrivs
	stageLandlock
	stageSeccomp
	stageReady
	stageMask
	stageExec
)

var stageNames = [...]string{
	stageListening: "the listener", stageParent: "prctl(PR_SET_PDEATHSIG)", stageTrace: "ptrace(PTRACE_TRACEME)",
	stageLimits: "prlimit64", stageMDWE: "prctl(PR_SET_MDWE)",
	stageNoNewPrivs: "prctl(PR_SET_NO_NEW_PRIVS)", stageLandlock: "landlock_restrict_self",
	stageSeccomp: "seccomp", stageReady: "read", stageMask: "rt_sigprocmask", stageExec: "execve",
}

// A sealing holds all that a thread needs to seal itself and exec. Everything
// that can fail, block or allocate has happened when it is made.
type sealing struct {
	child   bool // a fork of ours: tie it to its parent first
	parent  uintptr
	traced  bool // stop, so that the parent can watch the exec
	ready   int  // pipe: the parent is ready when there is a byte
	ruleset int  // Landlock ruleset, -1 for none
	filter  unix.SockFprog
	listen  bool // the filter notifies
	mdwe    bool
	files   unix.Rlimit // RLIMIT_NOFILE that the target gets
	mask    uint64      // the signal mask that the target gets
	ticket  seccomp.Ticket
	report  int // pipe: a report for every stage of interest
	path    *byte
	argv    **byte
	envv    **byte

	pinned [3]any // keeps filter, argv and envv alive: the kernel reads them by address
}

// A report is what a sealed thread says: its stage, and an errno or descriptor.
type report struct {
	stage stage
	value uint32
}

func (r report) Error() string {
	return fmt.Sprintf("%s: %v", stageNames[r.stage], syscall.Errno(r.value))
}

// delaySealed holds a sealed thread up between its first seal and its last; the
// tests set it, to show that nothing that blocks there lets the target run
// unsealed.
var delaySealed unix.Timespec

// newSealing prepares the strings and the filter for the kernel.
func newSealing(p *Plan, filter []unix.SockFilter, ruleset, report int) (*sealing, error) {
	path, err := syscall.BytePtrFromString(p.Exec)
	if err != nil {
		return nil, fmt.Errorf("program %q: %w", p.Program, err)
	}
	ticket, err := seccomp.NewTicket()
	if err != nil {
		return nil, err
	}
	files, err := openFiles()
	if err != nil {
		return nil, err
	}
	argv, err := syscall.SlicePtrFromStrings(p.Argv)
	if err != nil {
		return nil, fmt.Errorf("argument list: %w", err)
	}
	envv, err := syscall.SlicePtrFromStrings(p.Env)
	if err != nil {
		return nil, fmt.Errorf("environment: %w", err)
	}
	return &sealing{
		ruleset: ruleset,
		filter:  unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]},
		listen:  p.notifies(),
		mdwe:    p.DenyJIT,
		files:   files,
		ticket:  ticket,
		report:  report,
		path:    path, argv: &argv[0], envv: &envv[0],
		pinned: [3]any{filter, argv, envv},
	}, nil
}

// seal restricts the calling thread and executes the target. It returns only on
// failure. Nothing but raw calls may run in it: in a fork there is no Go
// runtime, and in a direct launch the runtime must not move the thread on.
//
//go:nosplit
//go:norace
func (s *sealing) seal() report {
	if s.child {
		if e := raw(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0); e != 0 {
			return report{stageParent, uint32(e)}
		}
		// A parent that died before the line above sends no signal.
		if pid, _, _ := syscall.RawSyscall(unix.SYS_GETPPID, 0, 0, 0); pid != s.parent {
			return report{stageParent, uint32(unix.ESRCH)}
		}
		defaultSignals()
	}
	if s.traced {
		if e := raw(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0); e != 0 {
			return report{stageTrace, uint32(e)}
		}
		pid, _, _ := syscall.RawSyscall(unix.SYS_GETPID, 0, 0, 0)
		raw(unix.SYS_KILL, pid, uintptr(unix.SIGSTOP), 0)
	}
	if _, _, e := syscall.RawSyscall6(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&s.files)), 0, 0, 0); e != 0 {
		return report{stageLimits, uint32(e)}
	}
	if s.mdwe {
		if e := raw(unix.SYS_PRCTL, unix.PR_SET_MDWE, unix.PR_MDWE_REFUSE_EXEC_GAIN, 0); e != 0 {
			return report{stageMDWE, uint32(e)}
		}
	}
	if e := raw(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); e != 0 {
		return report{stageNoNewPrivs, uint32(e)}
	}
	if s.ruleset >= 0 {
		if e := raw(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(s.ruleset), 0, 0); e != 0 {
			return report{stageLandlock, uint32(e)}
		}
	}
	if delaySealed.Nsec != 0 {
		raw(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&delaySealed)), 0, 0)
	}
	if r := s.install(); r.stage != 0 {
		return r
	}
	if s.child {
		if e := s.await(); e != 0 {
			return report{stageReady, uint32(e)}
		}
	}
	if _, _, e := syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&s.mask)), 0, 8, 0, 0); e != 0 {
		return report{stageMask, uint32(e)}
	}
	_, _, e := syscall.RawSyscall6(unix.SYS_EXECVE, uintptr(unsafe.Pointer(s.path)), uintptr(unsafe.Pointer(s.argv)), uintptr(unsafe.Pointer(s.envv)),
		0, uintptr(s.ticket[0]), uintptr(s.ticket[1]))
	return report{stageExec, uint32(e)}
}

// await waits until the parent is ready. If that ends before, so does this process.
//
//go:nosplit
//go:norace
func (s *sealing) await() syscall.Errno {
	var b byte
	n, _, e := syscall.RawSyscall(unix.SYS_READ, uintptr(s.ready), uintptr(unsafe.Pointer(&b)), 1)
	if e == 0 && n != 1 {
		return unix.EPIPE
	}
	return e
}

// install loads the filter, bound to this process and its ticket, and reports the listener.
//
//go:nosplit
//go:norace
func (s *sealing) install() report {
	pid, _, _ := syscall.RawSyscall(unix.SYS_GETPID, 0, 0, 0)
	seccomp.Bind(unsafe.Slice(s.filter.Filter, s.filter.Len), uint32(pid), &s.ticket)
	var flags uintptr
	if s.listen {
		flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	}
	fd, _, e := syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&s.filter)))
	if e == unix.EINVAL && s.listen { // before Linux 5.19
		flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
		fd, _, e = syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&s.filter)))
	}
	if e != 0 {
		return report{stageSeccomp, uint32(e)}
	}
	if s.listen {
		s.say(report{stageListening, uint32(fd)})
	}
	return report{}
}

// say writes a report into the pipe; eight bytes are never torn.
//
//go:nosplit
//go:norace
func (s *sealing) say(r report) {
	syscall.RawSyscall(unix.SYS_WRITE, uintptr(s.report), uintptr(unsafe.Pointer(&r)), unsafe.Sizeof(r))
}

//go:nosplit
//go:norace
func raw(nr, a, b, c uintptr) syscall.Errno {
	_, _, e := syscall.RawSyscall6(nr, a, b, c, 0, 0, 0)
	return e
}

// cloneOnStack makes a process that shares this one's memory and descriptors,
// starts on a stack of its own, and runs sealChild.
func cloneOnStack(flags, stack uintptr, s *sealing) (pid, errno uintptr)

// fork makes the child of a supervised launch and seals it there. The memory is
// shared until exec, which is a quarter of a millisecond cheaper than a copy; so
// is the table of descriptors, so that the listener needs no passing. The child
// has all signals blocked and makes only raw calls.
func (s *sealing) fork() (int, error) {
	const size = 64 << 10
	stack, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return 0, fmt.Errorf("mmap: %w", err)
	}
	s.mask = blockSignals()
	top := uintptr(unsafe.Pointer(&stack[0])) + size
	pid, errno := cloneOnStack(uintptr(unix.SIGCHLD)|unix.CLONE_FILES|shareMemory, top, s)
	if syscall.Errno(errno) == unix.EPERM { // an outer sandrun lets no processes share memory
		pid, errno = cloneOnStack(uintptr(unix.SIGCHLD)|unix.CLONE_FILES, top, s)
	}
	setSignals(s.mask)
	if errno != 0 {
		return 0, fmt.Errorf("clone: %w", syscall.Errno(errno))
	}
	return int(pid), nil
}

// sealChild is what the child does; it does not return.
//
//lint:ignore U1000 the assembler calls it
//go:nosplit
//go:norace
func sealChild(s *sealing) {
	s.say(s.seal())
	for {
		raw(unix.SYS_EXIT_GROUP, 127, 0, 0)
	}
}

// defaultSignals takes the Go runtime's handlers off, which must not run in a
// child. What is ignored stays so: every signal is blocked meanwhile, and one that came
// between the two calls is dropped by the second.
//
//go:nosplit
//go:norace
func defaultSignals() {
	for sig := uintptr(1); sig <= 64; sig++ {
		var old, none action
		if signalAction(sig, &none, &old); old.handler == ignoreAction {
			signalAction(sig, &old, nil)
		}
	}
}

// blockSignals blocks every signal on the calling thread and returns the mask
// that it had.
//
//go:nosplit
//go:norace
func blockSignals() (old uint64) {
	all := ^uint64(0)
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK,
		uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&old)), 8, 0, 0)
	return old
}

//go:nosplit
//go:norace
func setSignals(mask uint64) {
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&mask)), 0, 8, 0, 0)
}
