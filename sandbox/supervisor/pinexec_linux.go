package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/closure"
	"sandrun/sandbox/listener"
)

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
