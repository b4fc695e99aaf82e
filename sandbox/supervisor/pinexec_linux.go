package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/closure"
	"sandrun/sandbox/listener"
)

// A promise is what a process must have become when its execve ends.
type promise struct {
	pin *Pin // of the last pinned file that decides what runs; nil if none is
	// exe is the program that runs; of a pinned one the content counts instead.
	exe  ID
	line []string // how the arguments of a script's interpreter begin
}

// judgeProgram verifies what is pinned of a program and of the interpreters of its #!
// lines, and says what has to become of it. It follows those of every script: a listed
// file may be the interpreter of one that is not.
func (s *server) judgeProgram(n *listener.Notification, at place, name string) (made promise, err error) {
	made.line = []string{name}
	for range maxScripts + 1 {
		end, err := s.judgeStep(&at, &made)
		if err != nil || end == nil {
			return made, err
		}
		if end.arg != "" {
			made.line = append([]string{end.arg}, made.line...)
		}
		made.line = append([]string{end.interpreter}, made.line...)
		next, e := s.locate(n, route{base: unix.AT_FDCWD, path: end.interpreter, follow: true})
		if e == 0 && !next.exists {
			e = unix.ENOENT
		}
		if e != 0 {
			return made, fmt.Errorf("its #! interpreter %q: %w", end.interpreter, e)
		}
		defer next.close()
		at = next
	}
	return made, fmt.Errorf("too many #! interpreters that are scripts themselves: %w", unix.ELOOP)
}

// A hashBang is what a #! line says.
type hashBang struct{ interpreter, arg string }

// judgeStep verifies one file, and returns its #! line if it is a script. That is read
// from the verified bytes.
func (s *server) judgeStep(at *place, made *promise) (*hashBang, error) {
	made.exe = ID{}
	if at.pin != nil {
		made.pin = at.pin
	}
	fd, err := openProgram(at)
	if at.pin == nil && errors.Is(err, unix.EACCES) && !at.executable() {
		err = errNotExecutable
	}
	if err != nil {
		return nil, err
	}
	defer func() { unix.Close(fd) }()
	switch {
	case !isScript(fd):
		if isProgram(fd) { // else the kernel has no way to run it
			made.exe = at.id()
		}
		if at.pin == nil {
			return nil, nil
		}
		return nil, s.verifyBefore(fd, at.pin)
	case at.pin != nil:
		verified, err := s.copyOf(fd, at.pin)
		if err != nil {
			return nil, err
		}
		unix.Close(fd)
		fd = verified
	}
	interpreter, arg, err := closure.ParseScript(head(fd))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errHashBang, err)
	}
	return &hashBang{interpreter, arg}, nil
}

var (
	errNotExecutable = errors.New("it may not be executed")
	errHashBang      = errors.New("its #! line names no program")
)

// executable tells whether the ordinary permissions, which are the supervisor's as well,
// let a file be executed.
func (p *place) executable() bool {
	if p.dir < 0 {
		return unix.Faccessat(unix.AT_FDCWD, own(p.thing), unix.X_OK, unix.AT_EACCESS) == nil
	}
	return unix.Faccessat(p.dir, p.name, unix.X_OK, unix.AT_EACCESS) == nil
}

// isProgram tells whether a file is an ELF program for this machine. What others
// (binfmt_misc) would run is refused: it could not be told from what was put in its place.
func isProgram(fd int) bool {
	_, err := closure.ELFInterpreter(fd)
	return err == nil
}

// verifyBefore compares the content of a program that does not run yet. What is right now
// can be changed by who has it mapped, without a trace in its times, so that nothing is
// remembered.
func (s *server) verifyBefore(fd int, pin *Pin) error {
	_, key, err := regular(fd, pin)
	if err != nil || s.knownRight(key) {
		return err
	}
	return pin.Check(fd)
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
