package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// A child that executes a pinned program asks for it by a name, which could come to
// mean another file after that was verified. So what has started is looked at once
// more: at its set_tid_address, which the C libraries make before any code of the
// program runs, or at its first call that comes here.

// A promise is what a process must have become by an exec.
type promise struct {
	pin    *Pin
	born   string // tells the process from a later one with its number
	before ID     // the program until then
	// Of a script these are its interpreter, and how its arguments begin.
	exe  ID
	line []string
}

// promises are those of the execs that went on in the kernel, by process.
type promises struct {
	sync.Mutex
	of   map[int]promise
	open atomic.Bool // there are any
}

func (p *promises) set(pid int, made *promise) {
	p.Lock()
	defer p.Unlock()
	delete(p.of, pid)
	if made != nil {
		if p.of == nil {
			p.of = map[int]promise{}
		}
		if len(p.of) > maxImages {
			p.prune()
		}
		p.of[pid] = *made
	}
	p.open.Store(len(p.of) > 0)
}

func (p *promises) get(pid int) (promise, bool) {
	p.Lock()
	defer p.Unlock()
	made, ok := p.of[pid]
	return made, ok
}

// prune forgets processes that are gone.
func (p *promises) prune() {
	for pid, made := range p.of {
		if born(pid) != made.born {
			delete(p.of, pid)
		}
	}
}

// born is when a process began, as /proc/PID/stat writes it; "" of none.
func born(pid int) string {
	var b [1024]byte
	fd, e := open(ofThread(uint32(pid), "stat"), unix.O_RDONLY)
	if e != 0 {
		return ""
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, b[:])
	if err != nil {
		return ""
	}
	const field = 22 - 2 // counted from the end of the name, the second
	fields := bytes.Fields(b[bytes.LastIndexByte(b[:n], ')')+1 : n])
	if len(fields) < field {
		return ""
	}
	return string(fields[field-1])
}

// promised looks at a process that makes its first call after the exec of a pinned
// program, and ends it if it became something else.
func (s *server) promised(n *listener.Notification) (ended bool) {
	pid := int(n.PID) // after an exec there is one thread
	made, ok := s.promises.get(pid)
	if !ok {
		return false
	}
	st, err := stat(ofThread(n.PID, "exe"))
	starts := n.Nr == unix.SYS_SET_TID_ADDRESS
	if err == nil && identify(&st) == made.before && !starts {
		return false // the exec has not happened, or has failed, or a program executes itself
	}
	if err == nil {
		err = s.kept(n, &made, &st)
	}
	s.promises.set(pid, nil)
	if err == nil || born(pid) != made.born {
		return false
	}
	s.endPinned(n, made.pin, err)
	return true
}

var errReplaced = errors.New("another file was put in its place while it started")

// kept compares a process with what was promised. The kernel lets nobody write a
// program while it runs, but from Linux 6.11 to 6.12.
func (s *server) kept(n *listener.Notification, made *promise, st *unix.Stat_t) error {
	if made.line == nil {
		fd, e := open(ofThread(n.PID, "exe"), unix.O_RDONLY|unix.O_NONBLOCK)
		if e != 0 {
			return fmt.Errorf("open: %w", e)
		}
		defer unix.Close(fd)
		return s.verify(fd, made.pin)
	}
	if identify(st) != made.exe || !BeginsWith(n.PID, made.line) {
		return errReplaced
	}
	return nil
}

// BeginsWith tells whether the arguments of a process that has just started begin
// with some words.
func BeginsWith(tid uint32, words []string) bool {
	var want []byte
	for _, w := range words {
		want = append(append(want, w...), 0)
	}
	fd, e := open(ofThread(tid, "cmdline"), unix.O_RDONLY)
	if e != 0 {
		return false
	}
	defer unix.Close(fd)
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		more, err := unix.Pread(fd, got[n:], int64(n))
		if err != nil || more == 0 {
			return false
		}
		n += more
	}
	return bytes.Equal(got, want)
}
