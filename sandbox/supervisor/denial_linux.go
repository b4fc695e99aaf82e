package supervisor

import (
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/listener"
	"sandrun/sandbox/seccomp"
)

// A Denial is an operation that no grant covers.
type Denial struct {
	Scope    policy.Scope
	Resource string // a path or a program; "" where the scope is all there is to say
	Entry    bool   // Resource is a directory's entry, a link or directory, and not what it leads to
	Call     string
	Errno    syscall.Errno
	PID, TID int
	Exe      string // the program that tried
	Probe    bool   // harmless, see Probes: nobody wants to hear of it but where a run fails
	// Integrity says what is wrong with a pinned content; "" for all other denials.
	Integrity string
}

// deny reports an operation that no grant covers, and does what the policy wants
// done about it.
func (s *server) deny(n *listener.Notification, scope policy.Scope, resource string, errno syscall.Errno) {
	s.report(n, s.denial(n, scope, resource, errno), func() { s.listener.Continue(n.ID) })
}

// report tells of a denial and ends the call; anyway lets it go ahead.
func (s *server) report(n *listener.Notification, d Denial, anyway func()) {
	if !s.listener.Valid(n.ID) { // what was read may be of who has the caller's number now
		return
	}
	s.tell(d)
	switch s.rules.OnError {
	case policy.Log:
		anyway()
	case policy.Exit:
		// Without an answer the call does not return: its thread waits until it is
		// killed with all others.
		s.rules.Kill()
	default:
		s.listener.Refuse(n.ID, d.Errno)
	}
}

// tell reports a denial and no more.
func (s *server) tell(d Denial) {
	if s.rules.Denied != nil {
		s.rules.Denied(d)
	}
}

func (s *server) denial(n *listener.Notification, scope policy.Scope, resource string, errno syscall.Errno) Denial {
	d := Denial{
		Scope: scope, Resource: resource, Errno: errno,
		Call: seccomp.Name(int(n.Nr)), TID: int(n.PID),
	}
	d.PID, _ = group(n.PID)
	d.Exe = callerExe(n)()
	return d
}

// noAnswer is the errno of a call that gets no answer any more: its tree is killed.
const noAnswer = syscall.Errno(0xffff)

// unreadable is the resource of a denial whose path nobody could read.
const unreadable = "(a path that cannot be read)"

// path reads a path that a caller names. One that lets nobody read its memory, as a
// program does that may only be executed, is told of where denials are: nobody else
// would see what it is denied.
func (s *server) path(n *listener.Notification, addr uint64, scope policy.Scope) (string, syscall.Errno) {
	text, e := s.memory.text(n.PID, addr, pathMax, unix.ENAMETOOLONG)
	if e == unix.EACCES && s.rules.Watch && s.listener.Valid(n.ID) {
		s.tell(s.denial(n, scope, unreadable, e))
		if s.rules.OnError == policy.Exit {
			s.rules.Kill()
			return "", noAnswer
		}
	}
	return text, e
}

// tellProbe tells of a harmless probe.
func (s *server) tellProbe(n *listener.Notification, scope policy.Scope, resource string) {
	s.tell(Denial{Scope: scope, Resource: resource, Call: seccomp.Name(int(n.Nr)), Probe: true})
}

// ofUnixSocket tells whether a call is about a unix socket that is there already.
func ofUnixSocket(n *listener.Notification) bool {
	if n.Nr == unix.SYS_SOCKET || n.Nr == unix.SYS_SOCKETPAIR {
		return false
	}
	fd, e := duplicate(n.PID, int32(n.Args[0]))
	if e != 0 {
		return false
	}
	defer unix.Close(fd)
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	return err == nil && domain == unix.AF_UNIX
}

// callerExe finds the program of a caller. One that was removed or whose /proc
// entry is out of reach has no name.
func callerExe(n *listener.Notification) func() string {
	return func() string {
		exe, err := readLink(ofThread(n.PID, "exe"))
		if err != nil {
			return ""
		}
		return exe
	}
}

// scopes says which permission a slot of the filter is about. The other slots
// have answers of their own.
var scopes = [seccomp.NumSlots]policy.Scope{
	seccomp.Child: policy.Child, seccomp.Shared: policy.Child, seccomp.Exec: policy.Child, seccomp.ExecAt: policy.Child,
	seccomp.Memfd: policy.Child, seccomp.Thread: policy.Worker, seccomp.Net: policy.Net, seccomp.Unix: policy.Net, seccomp.Inspect: policy.Inspector,
	seccomp.MapExec: policy.Addon, seccomp.Metadata: policy.FSWrite, seccomp.Openat2: policy.FSRead,
}

// slotOf returns the slot of the filter that sent a call here.
func slotOf(n *listener.Notification) seccomp.Slot {
	if row, ok := seccomp.Lookup(int(n.Nr)); ok {
		if slot, open := row.Decide(&n.Args).Slot(); open {
			return slot
		}
	}
	return seccomp.NumSlots
}

// refuse denies a call that register values alone decide.
func (s *server) refuse(n *listener.Notification) {
	slot := slotOf(n)
	if slot == seccomp.NumSlots || scopes[slot] == "" { // not one that the filter sends here
		s.listener.Refuse(n.ID, unix.EPERM)
		return
	}
	scope := scopes[slot]
	if slot == seccomp.Shared && !s.rules.Once { // children are granted: it is threads that are not
		scope = policy.Worker
	}
	resource := ""
	if slot == seccomp.Unix || slot == seccomp.Net && ofUnixSocket(n) {
		resource = policy.UnixSockets
	}
	row, _ := seccomp.Lookup(int(n.Nr))
	s.deny(n, scope, resource, row.Decide(&n.Args).Errno())
}
