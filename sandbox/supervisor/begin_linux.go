package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/closure"
	"sandrun/sandbox/listener"
)

var (
	errReplaced  = errors.New("another file was put in its place while it started")
	errUnwatched = errors.New("its start cannot be watched, because another process traces this one or it hides its memory")
)

// begin lets an execve go on. Where contents are pinned what starts is looked at
// before its first instruction, and ended if it is not right. Who is traced by
// another process of the target cannot be watched: it may start what no pinned file has
// a part in.
func (s *server) begin(n *listener.Notification, made *promise) {
	if s.rules.Pins == nil || s.rules.OnError == policy.Log {
		s.listener.Continue(n.ID)
		return
	}
	pid, ok := group(n.PID)
	if !ok {
		s.listener.Refuse(n.ID, unix.EACCES)
		return
	}
	t, e := seize(int(n.PID), pid)
	switch {
	case e == 0:
	case made.pin == nil && s.status.read(n.PID) == 0 && s.status.traced():
		s.listener.Continue(n.ID)
		return
	default:
		s.denyPinned(n, policy.Child, made.named(), errUnwatched, nil)
		return
	}
	waited := s.listener.Continue(n.ID) == 0
	if !t.started() {
		return
	}
	if !waited { // its caller was gone before: this is somebody else
		t.release(0)
		return
	}
	after := *n
	after.PID = uint32(t.tid)
	pin, err := s.judgeStart(&after, made)
	if err != nil {
		s.endStarted(&after, pin, err)
		return
	}
	t.release(0)
}

// named is what a promise is about.
func (made *promise) named() *Pin {
	if made.pin != nil {
		return made.pin
	}
	return &Pin{Path: made.line[len(made.line)-1]}
}

// endStarted ends a process that has started with a content that is not right.
func (s *server) endStarted(n *listener.Notification, pin *Pin, why error) {
	d := s.denial(n, policy.Child, pin.Path, unix.EACCES)
	d.Integrity = words(why)
	s.tell(d)
	if s.rules.OnError == policy.Exit {
		s.rules.Kill()
		return
	}
	_ = unix.Kill(int(n.PID), unix.SIGKILL)
}

// judgeStart looks at a program that has not run yet. The kernel lets nobody write it
// while it runs, but from Linux 6.11 to 6.12. It returns what is wrong, and of which pin.
func (s *server) judgeStart(n *listener.Notification, made *promise) (*Pin, error) {
	fd, e := open(ofThread(n.PID, "exe"), unix.O_RDONLY|unix.O_NONBLOCK)
	if e != 0 {
		return &Pin{}, fmt.Errorf("open: %w", e)
	}
	defer unix.Close(fd)
	if err := s.kept(n, fd, made); err != nil {
		return made.named(), err
	}
	if pin, err := s.judgeImage(n, fd); err != nil {
		return pin, err
	}
	return s.judgeLoader(n, fd)
}

// kept compares what has started with what was promised.
func (s *server) kept(n *listener.Notification, fd int, made *promise) error {
	script := len(made.line) > 1
	if made.pin != nil && !script {
		return s.verifyRunning(fd, made.pin)
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || identify(&st) != made.exe || script && !BeginsWith(n.PID, made.line) {
		return errReplaced
	}
	return nil
}

// judgeImage verifies what has started if it is pinned, by whatever name it was
// executed.
func (s *server) judgeImage(n *listener.Notification, fd int) (*Pin, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &Pin{}, err
	}
	if of, copied := s.verified.of(identify(&st)); copied {
		return &Pin{Path: of.path}, errors.New("the verified copy of a file is no program")
	}
	real, err := readLink(ofThread(n.PID, "exe"))
	if err != nil {
		return &Pin{}, err
	}
	pin := s.rules.Pins.Of(real, real, identify(&st))
	if pin == nil {
		return nil, nil
	}
	return pin, s.verifyRunning(fd, pin)
}

// judgeLoader verifies the ELF interpreter that the kernel has mapped beside a
// program, if it is pinned.
func (s *server) judgeLoader(n *listener.Notification, fd int) (*Pin, error) {
	path, err := closure.ELFInterpreter(fd)
	if err != nil || path == "" {
		return &Pin{}, err
	}
	p, e := s.locate(n, route{base: unix.AT_FDCWD, path: path, follow: true})
	if e != 0 {
		return &Pin{Path: path}, errReplaced
	}
	defer p.close()
	switch {
	case !p.exists:
		return &Pin{Path: path}, errReplaced
	case p.pin == nil:
		return nil, nil
	}
	pin := p.pin
	loader, err := openProgram(&p)
	if err != nil {
		return pin, err
	}
	defer unix.Close(loader)
	if err := pin.Check(loader); err != nil { // it may be written again once it is mapped
		return pin, err
	}
	var st unix.Stat_t
	if unix.Fstat(loader, &st) != nil || !HasMapped(int(n.PID), st.Ino) {
		return pin, errReplaced
	}
	return pin, nil
}

// HasMapped tells whether a process maps a file. The inode is all that counts: some file
// systems (btrfs) have another device number there than in stat.
func HasMapped(pid int, inode uint64) bool {
	list, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/maps")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(list)) {
		// address perms offset device inode path
		if fields := strings.Fields(line); len(fields) > 5 && fields[4] == strconv.FormatUint(inode, 10) {
			return true
		}
	}
	return false
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
