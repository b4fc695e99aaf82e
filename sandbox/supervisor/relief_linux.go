package supervisor

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// What is done on behalf may be held up by a slow file system or by a lock on an
// inode. One thread serves as long as it is quick; when it is not, and others wait,
// another takes over beside it.

const (
	// patience is how long a call may take while others wait.
	patience = 20 * time.Millisecond
	// quiet is how long nothing needs to happen before nobody looks any more.
	quiet = time.Second
	// maxServers bounds the threads that serve.
	maxServers = 16
)

// A relief sees to it that a call which is held up does not hold up others.
type relief struct {
	servers atomic.Int32
	looking atomic.Bool
	// busy is when each server began the call that it is at, 0 for none.
	busy [maxServers]atomic.Int64
}

// clock is when the time of now begins. It is set at the first question, because
// everything that is set before costs every launch.
var clock struct {
	sync.Once
	began time.Time
}

// now is a time that only goes forward, in nanoseconds; it is never 0.
func now() int64 {
	clock.Do(func() { clock.began = time.Now() })
	return int64(time.Since(clock.began)) + 1
}

// work marks a server as busy with something that may be held up.
func (s *server) work() {
	s.relief.busy[s.number].Store(now())
	if !s.relief.looking.Load() && s.relief.looking.CompareAndSwap(false, true) {
		go s.look()
	}
}

// rest marks it as ready for the next call.
func (s *server) rest() { s.relief.busy[s.number].Store(0) }

// look starts another server when all are held up and a call waits. It ends when
// nothing has happened for a while.
func (s *Supervisor) look() {
	for {
		s.lookWhileBusy()
		s.relief.looking.Store(false)
		// A call may have begun since, and found that somebody looks.
		if _, working := s.relief.state(); !working || !s.relief.looking.CompareAndSwap(false, true) {
			return
		}
	}
}

func (s *Supervisor) lookWhileBusy() {
	last := now()
	for now()-last < int64(quiet) {
		time.Sleep(patience / 2)
		held, working := s.relief.state()
		if working {
			last = now()
		}
		n := s.relief.servers.Load()
		if held && n < maxServers && s.listener.Waiting() {
			s.relief.servers.Store(n + 1)
			go s.runServer(n)
		}
	}
}

// state tells whether every server is held up, and whether any is at work.
func (r *relief) state() (held, working bool) {
	held = true
	for i := range r.servers.Load() {
		since := r.busy[i].Load()
		working = working || since != 0
		held = held && since != 0 && now()-since > int64(patience)
	}
	return held, working
}

// runServer serves on a thread of its own until nobody is left.
func (s *Supervisor) runServer(number int32) {
	runtime.LockOSThread()
	(&server{Supervisor: s, umask: -1, number: number}).serve()
}
