package supervisor

import (
	"sync"

	"sandrun/policy"
	"sandrun/sandbox/listener"
)

// noticed are the threads that have made a trapped call, of those that exist.
type noticed struct {
	sync.Mutex
	tids map[uint32]bool
}

// maxNoticed bounds what is remembered. Forgetting costs a record that repeats.
const maxNoticed = 1 << 15

// notice tells of a process or thread that is seen for the first time, under onerror
// log, where the calls that make them are not trapped.
func (s *server) notice(n *listener.Notification) {
	s.noticed.Lock()
	seen := s.noticed.tids[n.PID]
	if s.noticed.tids == nil || len(s.noticed.tids) > maxNoticed {
		s.noticed.tids = map[uint32]bool{}
	}
	s.noticed.tids[n.PID] = true
	s.noticed.Unlock()
	if seen || s.rules.Denied == nil || int(n.PID) == s.rules.First() {
		return
	}
	scope := policy.Worker
	if pid, ok := group(n.PID); ok && pid == int(n.PID) {
		scope = policy.Child
	}
	if s.rules.Notice[scope] {
		d := s.denial(n, scope, "", 0)
		d.Call = "clone"
		s.rules.Denied(d)
	}
}
