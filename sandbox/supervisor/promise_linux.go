package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/closure"
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

// execPinned verifies a pinned program that a child wants to execute. It tells
// whether it has answered; if not, the kernel may go on.
func (s *server) execPinned(n *listener.Notification, p *place, name string, e syscall.Errno) (answered bool) {
	if e == 0 && p.pin != nil && !p.exists {
		e = unix.ENOENT
	}
	if e != 0 {
		s.cannot(n, e)
		return true
	}
	pid, ok := group(n.PID)
	if !ok {
		s.cannot(n, unix.EACCES)
		return true
	}
	if p.pin == nil {
		if s.promises.open.Load() {
			s.promises.set(pid, nil)
		}
		return false
	}
	made := promise{pin: p.pin, born: born(pid)}
	err := s.judgeProgram(n, p, name, &made)
	if err != nil {
		s.denyPinned(n, policy.Child, p.pin, err, func() { s.listener.Continue(n.ID) })
		return true
	}
	if s.rules.OnError != policy.Log {
		s.promises.set(pid, &made)
	}
	return false
}

// judgeProgram verifies a program, and says what it has to become.
func (s *server) judgeProgram(n *listener.Notification, p *place, name string, made *promise) error {
	st, err := stat(ofThread(n.PID, "exe"))
	if err != nil {
		return fmt.Errorf("stat of the caller: %w", err)
	}
	made.before = identify(&st)
	fd, err := openProgram(p)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if !isScript(fd) {
		return s.verify(fd, p.pin)
	}
	verified, err := s.copyOf(fd, p.pin)
	if err != nil {
		return err
	}
	defer unix.Close(verified)
	return s.promiseScript(n, verified, name, made)
}

func openProgram(p *place) (int, error) {
	if p.kind() != unix.S_IFREG {
		return -1, errNotRegular
	}
	r := request{flags: unix.O_RDONLY}
	fd, e := r.open(p, unix.O_RDONLY|unix.O_NONBLOCK)
	if e != 0 {
		return -1, fmt.Errorf("open: %w", e)
	}
	return fd, nil
}

func head(fd int) []byte {
	var b [256]byte // BINPRM_BUF_SIZE
	n, _ := unix.Pread(fd, b[:], 0)
	return b[:max(n, 0)]
}

func isScript(fd int) bool { return bytes.HasPrefix(head(fd), []byte("#!")) }

// maxScripts is how many #! lines the kernel follows (fs/exec.c, exec_binprm).
const maxScripts = 5

// promiseScript follows the #! lines of a script.
func (s *server) promiseScript(n *listener.Notification, fd int, name string, made *promise) error {
	made.line = []string{name}
	for range maxScripts {
		interpreter, arg, err := closure.ParseScript(head(fd))
		if err != nil {
			return err
		}
		if arg != "" {
			made.line = append([]string{arg}, made.line...)
		}
		made.line = append([]string{interpreter}, made.line...)
		p, e := s.locate(n, route{base: unix.AT_FDCWD, path: interpreter, follow: true})
		if e != 0 {
			return fmt.Errorf("its #! interpreter %q: %w", interpreter, e)
		}
		defer p.close()
		next, err := openProgram(&p)
		if err != nil {
			return fmt.Errorf("its #! interpreter %q: %w", interpreter, err)
		}
		defer unix.Close(next)
		if !isScript(next) {
			made.exe = p.id()
			return nil
		}
		fd = next
	}
	return errors.New("too many #! interpreters that are scripts themselves")
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

// startPinned looks at the program that a process has started with. It tells what
// is wrong with it.
func (s *server) startPinned(n *listener.Notification) (*Pin, error) {
	exe := ofThread(n.PID, "exe")
	st, err := stat(exe)
	if err != nil {
		return &Pin{}, err
	}
	real, err := readLink(exe)
	if err != nil {
		return &Pin{}, err
	}
	id := identify(&st)
	if of, copied := s.verified.of(id); copied {
		return &Pin{Path: of.path}, errors.New("the verified copy of a file is no program")
	}
	pin := s.rules.Pins.Of(real, real, id)
	if pin == nil {
		return nil, nil
	}
	fd, e := open(exe, unix.O_RDONLY|unix.O_NONBLOCK)
	if e != 0 {
		return pin, fmt.Errorf("open: %w", e)
	}
	defer unix.Close(fd)
	return pin, s.verify(fd, pin)
}

// endPinned ends a process that has started with a content that is not right: its
// call would not be told apart from one that works.
func (s *server) endPinned(n *listener.Notification, pin *Pin, why error) {
	d := s.denial(n, policy.Child, pin.Path, unix.EACCES)
	d.Integrity = words(why)
	if s.rules.OnError != policy.Throw {
		s.report(n, d, func() { s.listener.Continue(n.ID) })
		return
	}
	if s.rules.Denied != nil {
		s.rules.Denied(d)
	}
	s.end(n)
}

// nameOf is the path that the kernel tells the interpreter of a script
// (fs/exec.c, alloc_bprm).
func nameOf(n *listener.Notification, base int32, text string) string {
	if n.Nr == unix.SYS_EXECVE || base == unix.AT_FDCWD || len(text) > 0 && text[0] == '/' {
		return text
	}
	name := "/dev/fd/" + strconv.Itoa(int(base))
	if text == "" {
		return name
	}
	return name + "/" + text
}
