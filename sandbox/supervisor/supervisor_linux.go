// Package supervisor answers the calls of the target that a filter cannot
// decide by register values: executable mappings of files,
// metadata writes under partial grants, and everything about names that no kernel
// rule can hold, because their files do not exist yet. It reports what it denies.
//
// A locked thread receives, decides and answers. The rules that it follows are
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
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/listener"
	"sandrun/sandbox/seccomp"
)

// Rules is what the supervisor decides by. It does not change during a run.
type Rules struct {
	Once    bool     // no program may be executed but the first
	AnyExec bool     // every program may be executed that may be read
	Mapping *Mapping // executable mappings; nil if they are not trapped
	Writes  bool     // something is granted for writing, beside devices
	Files   func() *Files
	Pins    *Pins // nil where no content is pinned
	// KernelFile tells whether a path lay in a kernel file system at the launch.
	KernelFile func(path string) bool
	// Watch: calls are trapped in order to be told of, not only to be served.
	Watch    bool
	Harmless []Probe // denials that nobody wants to hear of
	OnError  policy.OnError
	// Notice are the scopes of which a new process or thread is told when it makes its
	// first trapped call.
	Notice map[policy.Scope]bool
	// First is the process that was launched.
	First func() int
	// Denied is told of every denial; nil where nobody listens.
	Denied func(Denial)
	// Kill ends the target, for policy.Exit.
	Kill func()
	// Interrupt makes a blocking call of one of our own threads fail with EINTR.
	Interrupt func(tid int)
}

// A Supervisor serves one listener.
type Supervisor struct {
	listener     listener.Listener
	rules        Rules
	imagesLock   sync.Mutex
	images       map[imageKey]*image   // programs whose closure is known
	only         atomic.Pointer[image] // that of the only program, once it runs
	stdio        map[ID]bool           // the files on 0 to 2, which the target inherited
	self         string                // our own directory in /proc
	uids, gids   []byte                // our identity, as /proc/PID/status writes it
	identityOnce sync.Once
	noticed      noticed
	blocked      chan struct{} // holds the threads of blocked opens
	relief       relief
	verified     verified
	cores        cores
	moving       sync.Mutex // held while a file is given another name
}

// A server is a thread that serves, with what only one call at a time can use.
type server struct {
	*Supervisor
	memory memory
	status status
	umask  int   // of this thread, -1 while it is not known
	number int32 // among the servers
}

// New prepares a supervisor; what it can look up before the target runs, it does.
func New(rules Rules) *Supervisor {
	s := &Supervisor{
		rules: rules, images: map[imageKey]*image{}, stdio: map[ID]bool{},
		self: selfPath(), blocked: make(chan struct{}, maxBlocked),
	}
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
	s.listener = listener.Listener(fd)
	s.listener.SyncWakeUp()
	s.relief.servers.Store(1)
	s.runServer(0)
}

// serve receives and answers.
func (s *server) serve() {
	var n listener.Notification
	for {
		switch e := s.listener.Receive(&n); e {
		case 0:
			s.dispatch(&n)
		case unix.ENOENT: // the caller is gone, or, since Linux 6.11, all are
			if s.listener.HungUp() {
				return
			}
		case unix.EINTR, unix.EAGAIN:
		default: // EBADF, ENODEV: nobody is left
			return
		}
	}
}

// dispatch answers one notification. An answer that does not arrive is no error:
// the caller is gone.
func (s *server) dispatch(n *listener.Notification) {
	if s.rules.Notice != nil {
		s.notice(n)
	}
	switch nr := int(n.Nr); {
	case isOpen(n.Nr):
		s.work()
		s.open(n)
		s.rest()
	case nr == unix.SYS_EXECVE, nr == unix.SYS_EXECVEAT:
		s.exec(n)
	case nr == unix.SYS_SET_TID_ADDRESS:
		s.loads(n)
	case nr == unix.SYS_SET_ROBUST_LIST: // only to be noticed
		s.listener.Continue(n.ID)
	case nr == unix.SYS_MMAP:
		s.mapping(n)
	default:
		s.others(n)
	}
}

func (s *server) others(n *listener.Notification) {
	if c, ok := changeCall(n.Nr); ok {
		s.work()
		s.change(n, c)
		s.rest()
		return
	}
	if c, ok := metadataCall(n); ok && (n.Nr != unix.SYS_IOCTL || slotOf(n) == seccomp.Metadata) {
		s.work()
		s.writeMetadata(n, c)
		s.rest()
		return
	}
	s.refuse(n)
}
