// Package supervisor answers the calls of the target that a filter cannot
// decide by register values: the first exec, executable mappings of files, and
// metadata writes under partial grants.
//
// One locked thread receives, decides and answers. The rules that it follows are
// few. A refusal is always safe. A call is continued only where the kernel still
// refuses what must be refused, or where the package says that the promise is a
// guard and not a boundary (mappings). Everything else is carried out here, on a
// descriptor that was pinned first and judged after, never on a name.
// What belongs to a caller (paths, descriptors, memory) is read once and counts
// only if the notification is still valid afterwards.
//
// The supervisor runs with no more rights than the target would have without a
// sandbox, and no thread of it is in the target's domain.
package supervisor

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// Rules is what the supervisor decides by. It does not change during a run.
type Rules struct {
	Once     bool      // the first execve succeeds and no other
	Mapping  *Mapping  // executable mappings; nil if they are not trapped
	Metadata *Metadata // metadata writes; nil if they are not trapped
}

// A Supervisor serves one listener.
type Supervisor struct {
	listener listener.Listener
	rules    Rules
	started  bool
	memory   memory
	images   map[imageKey]*image // programs whose closure is known
	stdio    map[identity]bool   // the files on 0 to 2, which the target inherited
}

// New prepares a supervisor; what it can look up before the target runs, it does.
func New(rules Rules) *Supervisor {
	s := &Supervisor{rules: rules, images: map[imageKey]*image{}, stdio: map[identity]bool{}}
	var st unix.Stat_t
	for fd := 0; fd <= 2; fd++ {
		if unix.Fstat(fd, &st) == nil {
			s.stdio[identify(&st)] = true
		}
	}
	if m := rules.Mapping; m != nil && m.First != nil {
		s.addFirst(m.First)
	}
	return s
}

// Serve answers the notifications of a listener until the last process under its
// filter is gone. It locks the calling thread and does not give it back.
func (s *Supervisor) Serve(fd int) {
	runtime.LockOSThread()
	s.listener = listener.Listener(fd)
	s.listener.SyncWakeUp()
	var n listener.Notification
	for {
		switch e := s.listener.Receive(&n); e {
		case 0:
			s.serve(&n)
		case unix.EINTR, unix.ENOENT, unix.EAGAIN:
		default: // EBADF, ENODEV: nobody is left
			return
		}
	}
}

// serve answers one notification. An answer that does not arrive is no error:
// the caller is gone.
func (s *Supervisor) serve(n *listener.Notification) {
	switch nr := int(n.Nr); nr {
	case unix.SYS_EXECVE, unix.SYS_EXECVEAT:
		s.exec(n)
	case unix.SYS_SET_TID_ADDRESS:
		s.start(n)
	case unix.SYS_MMAP:
		if e := s.mapping(n); e != 0 {
			s.listener.Refuse(n.ID, e)
			return
		}
		s.listener.Continue(n.ID)
	default:
		s.metadata(n)
	}
}

// exec lets the first execve pass: it is the launcher's own, made before any
// code of the target ran, so nothing can change its arguments.
func (s *Supervisor) exec(n *listener.Notification) {
	if !s.rules.Once || s.started || n.Nr != unix.SYS_EXECVE {
		s.listener.Refuse(n.ID, unix.EACCES)
		return
	}
	if s.listener.Continue(n.ID) == 0 {
		s.started = true
	}
}

// start looks at what begins. Under a program list the ELF interpreter must be
// executable, and started as a program it would load any readable file. Mapping
// is not all that it does with one: relocations of the file write its memory. So
// it ends before it relocates: this call comes while it prepares its own thread
// (glibc: init_tls, musl: __init_tp), and its error would be ignored.
func (s *Supervisor) start(n *listener.Notification) {
	running, err := s.image(n.PID)
	if err == nil && !running.loader {
		s.listener.Continue(n.ID)
		return
	}
	if s.listener.Valid(n.ID) { // the thread is still the one that was looked at
		// SIGKILL to any thread ends its whole process.
		syscall.RawSyscall(unix.SYS_TKILL, uintptr(n.PID), uintptr(unix.SIGKILL), 0)
	}
}

// metadata carries a metadata write out and answers with its errno.
func (s *Supervisor) metadata(n *listener.Notification) {
	e := syscall.Errno(unix.EPERM)
	if s.rules.Metadata != nil {
		e = s.writeMetadata(n)
	}
	if e != 0 {
		s.listener.Refuse(n.ID, e)
		return
	}
	s.listener.Return(n.ID, 0)
}
