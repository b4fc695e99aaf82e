package supervisor

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/listener"
)

// openDenied ends an open that no grant covers. Without a wish to know of it the
// kernel's own answer is the best.
func (s *server) openDenied(n *listener.Notification, r *request, p *place, missing Rights) {
	if !r.hidden && !s.rules.Watch {
		s.goOn(n, r, p, unix.EACCES)
		return
	}
	e := r.refusal(p)
	switch {
	case e != 0:
		s.goOn(n, r, p, e)
	case isProbe(s.rules.Harmless, p.path, p.isDir(), missing, callerExe(n)):
		s.tellProbe(n, scopeOf(missing), p.path)
		s.goOn(n, r, p, unix.EACCES)
	default:
		if missing == Read|Write { // who grants one of the two should know of the other
			s.tell(s.denial(n, policy.FSRead, p.path, unix.EACCES))
		}
		s.openReported(n, r, p, scopeOf(missing))
	}
}

// scopeOf is the permission that an open misses, the one of writing first.
func scopeOf(missing Rights) policy.Scope {
	if missing&Write != 0 {
		return policy.FSWrite
	}
	return policy.FSRead
}

// openReported denies an open and tells of it.
func (s *server) openReported(n *listener.Notification, r *request, p *place, scope policy.Scope) {
	s.report(n, s.denial(n, scope, p.path, unix.EACCES), func() { s.openAnyway(n, r, p) })
}

// openAnyway opens what is denied, under onerror log. What asks for it in memory is
// still opened here: it could ask for a setuid bit meanwhile.
func (s *server) openAnyway(n *listener.Notification, r *request, p *place) {
	if !r.hidden {
		s.listener.Continue(n.ID)
		return
	}
	if r.device, r.given = true, true; p.ofOther() {
		// Of other processes it would open what only the supervisor may see, and of its
		// own threads the supervisor's memory.
		s.listener.Refuse(n.ID, unix.EACCES)
	} else if !s.openHere(n, r, p) {
		s.listener.Refuse(n.ID, unix.EAGAIN)
	}
}

// refusal is how an open fails without a sandbox too, 0 if it does not: because of
// what lies there, or by the ordinary permissions, which are the supervisor's as
// well. That is no denial.
func (r *request) refusal(p *place) syscall.Errno {
	directory := r.flags&unix.O_DIRECTORY != 0 && r.flags&tmpfile == 0
	changes := r.flags&tmpfile == 0 && r.flags&(unix.O_CREAT|unix.O_ACCMODE) != 0
	fd, name, mode := p.dir, strings.TrimRight(p.name, "/"), uint32(accessModes[r.flags&unix.O_ACCMODE])
	switch {
	case !p.exists: // it would be made
		name, mode = ".", unix.W_OK|unix.X_OK
	case r.exclusive():
		return unix.EEXIST
	case p.kind() == unix.S_IFLNK:
		return unix.ELOOP
	case !p.isDir() && (directory || strings.HasSuffix(p.name, "/")):
		return unix.ENOTDIR
	case p.isDir() && changes:
		return unix.EISDIR
	case fd < 0:
		fd, name = unix.AT_FDCWD, own(p.thing)
	}
	return result(unix.Faccessat(fd, name, mode, unix.AT_EACCESS))
}

// accessModes are what access(2) calls the modes of an open.
var accessModes = [4]uint8{unix.O_RDONLY: unix.R_OK, unix.O_WRONLY: unix.W_OK, unix.O_RDWR: unix.R_OK | unix.W_OK, 3: unix.R_OK | unix.W_OK}
