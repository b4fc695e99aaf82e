package supervisor

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/listener"
)

// exec serves a trapped exec. The launcher's own is not trapped.
func (s *server) exec(n *listener.Notification) {
	s.work()
	defer s.rest()
	if !s.rules.Once {
		s.watchExec(n)
		return
	}
	p, _, e := s.program(n)
	defer p.close()
	if e == noAnswer {
		return
	}
	if e == 0 && !p.exists { // a search along PATH
		s.listener.Refuse(n.ID, unix.ENOENT)
		return
	}
	s.deny(n, policy.Child, p.path, unix.EACCES)
}

// program finds the program that an exec is about, and its name for a script.
func (s *server) program(n *listener.Notification) (p place, name string, e syscall.Errno) {
	base, arg := int32(unix.AT_FDCWD), 0
	if n.Nr == unix.SYS_EXECVEAT {
		base, arg = int32(n.Args[0]), 1
	}
	text, e := s.path(n, n.Args[arg], policy.Child)
	name = nameOf(n, base, text)
	if e == 0 && text == "" && n.Nr == unix.SYS_EXECVEAT {
		text = ofDescriptor(n.PID, base)
	}
	if e == 0 && text == "" {
		e = unix.ENOENT
	}
	if e != 0 {
		return nowhere, name, e
	}
	p, e = s.locate(n, route{base: base, path: text, follow: true})
	if e == unix.ENOENT && text == ofDescriptor(n.PID, base) {
		e = unix.EBADF
	}
	return p, name, e
}

// watchExec reports an exec that the kernel is going to refuse, and one of a program
// whose content is not what is pinned.
func (s *server) watchExec(n *listener.Notification) {
	p, name, e := s.program(n)
	defer p.close()
	if e == noAnswer {
		return
	}
	var made promise
	if s.rules.Pins != nil {
		if e == 0 && !p.exists {
			e = unix.ENOENT
		}
		if e != 0 {
			s.cannot(n, e)
			return
		}
		var err error
		if made, err = s.judgeProgram(n, p, name); err != nil {
			s.refuseProgram(n, &made, err)
			return
		}
	}
	if e == 0 && s.rules.Watch && s.refuses(&p) {
		scope := policy.Child
		if s.rules.AnyExec {
			scope = policy.FSRead
		}
		s.deny(n, scope, p.path, unix.EACCES)
		return
	}
	s.begin(n, &made)
}

// refuseProgram ends an execve of what cannot be judged, or is not right. What says no
// more than that there is no such program fails as it would without pinned contents;
// what cannot be read does not, for when it has started it could not be told from what
// is pinned.
func (s *server) refuseProgram(n *listener.Notification, made *promise, why error) {
	switch e, missing := noProgram(why, made.pin == nil); {
	case missing && s.rules.OnError == policy.Log:
		s.listener.Continue(n.ID)
	case missing:
		s.listener.Refuse(n.ID, e)
	default:
		s.denyPinned(n, policy.Child, made.named(), why, func() { s.listener.Continue(n.ID) })
	}
}

// noProgram tells whether an error means that there is nothing to execute, and what the
// kernel would answer. Of what has to do with pinned contents only the path says that.
func noProgram(why error, ordinary bool) (syscall.Errno, bool) {
	for _, e := range [...]syscall.Errno{unix.ENOENT, unix.ENOTDIR, unix.ELOOP} {
		if errors.Is(why, e) {
			return e, true
		}
	}
	switch {
	case errors.Is(why, errNotRegular), errors.Is(why, errNotExecutable):
		return unix.EACCES, ordinary
	case errors.Is(why, errHashBang):
		return unix.ENOEXEC, ordinary
	}
	return 0, false
}

// refuses tells whether the kernel refuses to execute a program for want of a grant.
func (s *server) refuses(p *place) bool {
	return p.exists && !p.isDir() && p.stat.Mode&0o111 != 0 && s.likely(s.rules.Files(), p)&Execute == 0
}

// loads refuses a program list's ELF interpreter. It must be executable, and started
// as a program it would load any readable file. Mapping is not all that it does with
// one: relocations of the file write its memory. So it ends before it relocates: this
// call comes while it prepares its own thread (glibc: init_tls, musl: __init_tp), and
// its error would be ignored.
func (s *server) loads(n *listener.Notification) {
	running, err := s.image(n.PID)
	if err == nil && !running.loader {
		s.listener.Continue(n.ID)
		return
	}
	s.end(n)
}

// end ends the process of a caller.
func (s *server) end(n *listener.Notification) {
	if s.listener.Valid(n.ID) { // the thread is still the one that was looked at
		// SIGKILL to any thread ends its whole process.
		syscall.RawSyscall(unix.SYS_TKILL, uintptr(n.PID), uintptr(unix.SIGKILL), 0)
	}
}
