package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/closure"
	"sandrun/sandbox/listener"
)

// judgeProgram verifies a pinned program, and says what it has to become. One that
// cannot be read could not be told from a pinned one when it has started.
func (s *server) judgeProgram(n *listener.Notification, p *place, name string, made *promise) error {
	if p.pin == nil && (s.rules.OnError == policy.Log || p.kind() != unix.S_IFREG) {
		return nil
	}
	fd, err := openProgram(p)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	made.pin = p.pin
	if p.pin == nil {
		return nil
	}
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
