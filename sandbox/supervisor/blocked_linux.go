package supervisor

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// An open that blocks, of a FIFO without a partner or of a file under a lease,
// gets a thread of its own, so that no other caller waits for it.

const (
	// maxBlocked bounds these threads. Further opens fail with EAGAIN: one that waited
	// for a thread might be what those that have one wait for.
	maxBlocked = 256
	// lookAgain is how often a blocked open is compared with its caller, which may
	// have been killed or sent a signal.
	lookAgain = 10 * time.Millisecond
	// restart is ERESTARTSYS: the kernel makes it EINTR, or calls again, as the
	// caller's handler of the signal wants (include/linux/errno.h).
	restart = syscall.Errno(512)
)

// wait takes a place over and opens it on a thread of its own.
func (s *server) wait(n *listener.Notification, r *request, p *place) {
	select {
	case s.blocked <- struct{}{}:
	default:
		s.listener.Refuse(n.ID, unix.EAGAIN)
		return
	}
	taken, id, tid, asked := *p, n.ID, n.PID, *r
	p.dir, p.thing = -1, -1
	// The file exists, and the thread has no umask to make another.
	asked.flags &^= unix.O_CREAT | unix.O_EXCL
	go func() {
		defer func() { <-s.blocked }()
		defer taken.close()
		// Locked and never unlocked: the thread ends with this function.
		runtime.LockOSThread()
		s.openBlocked(&listener.Notification{ID: id, PID: tid}, &asked, &taken)
	}()
}

// Why a blocked open is given up.
const (
	waiting   int32 = iota // it is not
	abandoned              // nobody waits for it
	signalled              // its caller has a signal to act on
)

// openBlocked opens a place and waits as long as the caller would.
func (s *server) openBlocked(n *listener.Notification, r *request, p *place) {
	var state atomic.Int32
	over, left := make(chan struct{}), make(chan struct{})
	tid := unix.Gettid()
	go func() {
		defer close(left)
		s.watchCaller(n, tid, &state, over)
	}()
	fd, e := r.open(p, r.flags)
	for e == unix.EINTR && state.Load() == waiting {
		fd, e = r.open(p, r.flags)
	}
	close(over)
	<-left // nobody signals this thread any more
	switch {
	case e == 0 && !s.isJudged(n, r, p, fd): // after all that time
		unix.Close(fd)
		s.listener.Refuse(n.ID, unix.EINTR)
	case e == 0:
		s.hand(n, r, fd)
	case e == unix.EINTR && state.Load() == signalled:
		s.listener.Refuse(n.ID, restart)
	default:
		s.listener.Refuse(n.ID, e)
	}
}

// watchCaller interrupts a thread that opens for a caller when that was killed or
// is sent a signal. A signal that finds the thread outside its call is lost, so
// there is another one.
func (s *server) watchCaller(n *listener.Notification, tid int, state *atomic.Int32, over <-chan struct{}) {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	var st status
	for {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		switch {
		case !s.listener.Valid(n.ID):
			state.Store(abandoned)
		case st.read(n.PID) == 0 && st.pending():
			state.Store(signalled)
		}
		if state.Load() != waiting {
			s.rules.Interrupt(tid)
		}
	}
}
