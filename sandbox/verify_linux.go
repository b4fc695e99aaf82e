package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sandrun/integrity"
	"sandrun/policy"
	"sandrun/sandbox/closure"
	"sandrun/sandbox/record"
	"sandrun/sandbox/supervisor"
)

// An IntegrityError says that a program was not started because its content is not
// what is pinned, or cannot be kept so until it runs.
type IntegrityError struct {
	Path string
	Err  error
}

func (e *IntegrityError) Error() string {
	text := e.Err.Error()
	if strings.Contains(text, integrity.Code) {
		return text // it names the file
	}
	return fmt.Sprintf("integrity of %q: %s (%s)", e.Path, text, integrity.Code)
}

func (e *IntegrityError) Unwrap() error { return e.Err }

// pins finds what the policy pins: each listed file by the path of the manifest, by
// where that leads and by inode. A file that does not exist yet is pinned by path.
func pins(p policy.Policy) *supervisor.Pins {
	var pins *supervisor.Pins
	for _, r := range p.Resources {
		if r.Any || r.Dir {
			continue
		}
		if pins == nil {
			pins = &supervisor.Pins{Paths: map[string]*supervisor.Pin{}, IDs: map[supervisor.ID]*supervisor.Pin{}}
		}
		addPin(pins, r)
	}
	return pins
}

func addPin(pins *supervisor.Pins, r policy.Resource) {
	real := r.Path
	if at, err := find(r.Path); err == nil {
		real = at.path
	}
	var id supervisor.ID
	var st unix.Stat_t
	if unix.Stat(real, &st) == nil {
		id = supervisor.ID{Dev: uint64(st.Dev), Ino: st.Ino}
	}
	pin := pins.Paths[real]
	if pin == nil && id != (supervisor.ID{}) {
		pin = pins.IDs[id] // another name of a file that is listed already
	}
	if pin == nil {
		pin = &supervisor.Pin{Path: real}
	}
	pin.Sets = append(pin.Sets, r.Integrity)
	pins.Paths[r.Path], pins.Paths[real] = pin, pin
	if id != (supervisor.ID{}) {
		pins.IDs[id] = pin
	}
}

// started are the files whose content decides what the launch runs: the program, and
// for a script its interpreter. The others are verified when they are opened.
func (f *Facts) started() (paths []string) {
	for _, file := range f.Closure.Files {
		if file.Access&closure.Execute != 0 && !f.isLoader(file.Path) || file.Path == f.Closure.Script {
			paths = append(paths, file.Path)
		}
	}
	return paths
}

func (f *Facts) isLoader(p string) bool { return slices.Contains(f.Closure.Loaders, p) }

// A guarded is an executable that was verified and that nobody can write until its
// descriptor is closed.
type guarded struct {
	fds []int
	exe supervisor.ID // what must be running after the exec
}

// watches tells whether the exec must be watched: a verified program is to start.
func (g *guarded) watches() bool { return g.exe != (supervisor.ID{}) }

// release lets the files be written again. The kernel keeps what runs from that.
func (g *guarded) release() {
	for _, fd := range g.fds {
		unix.Close(fd)
	}
	g.fds = nil
}

// verify compares what is about to start with what is pinned, and holds it so.
func (p *Plan) verify() (*guarded, error) {
	g, pins := &guarded{}, p.facts.Pins
	if pins == nil {
		return g, nil
	}
	var st unix.Stat_t
	if p.facts.Policy.OnError != policy.Log {
		if err := unix.Stat(p.facts.executable(), &st); err != nil {
			return nil, &IntegrityError{p.Program, err}
		}
		g.exe = supervisor.ID{Dev: uint64(st.Dev), Ino: st.Ino}
	}
	for _, path := range p.facts.started() {
		pin := pins.Paths[path]
		if pin == nil && unix.Stat(path, &st) == nil {
			pin = pins.IDs[supervisor.ID{Dev: uint64(st.Dev), Ino: st.Ino}]
		}
		if pin == nil {
			continue
		}
		fd, err := guard(path)
		if fd >= 0 {
			g.fds = append(g.fds, fd)
		}
		if err == nil {
			err = pin.Check(fd)
		}
		if err == nil {
			err = pins.Trust(fd, pin)
		}
		if err != nil {
			if err = p.mismatch(path, err); err != nil {
				g.release()
				return nil, err
			}
		}
	}
	return g, nil
}

// mismatch does what the policy wants done about a program that is not right. A nil
// error means that it runs all the same.
func (p *Plan) mismatch(path string, err error) error {
	wrong := &IntegrityError{path, err}
	verdict := verdictOf(p.facts.Policy.OnError)
	if add := p.facts.Options.Record; add != nil && verdict != record.Denied {
		add(record.Record{
			Time: time.Now(), Verdict: verdict, Scope: policy.FSRead, Resource: path, Call: "execve",
			PID: unix.Getpid(), TID: unix.Getpid(), Exe: path, Code: record.BadIntegrity, Detail: strings.TrimSuffix(err.Error(), " ("+integrity.Code+")"),
		})
	}
	if verdict == record.Logged {
		return nil
	}
	return wrong
}

// guard opens a file and sees to it that its content stays: by a read lease where it
// is ours, so that whoever opens it for writing waits; else because nobody here may
// write it. What it cannot guard it refuses.
func guard(path string) (int, error) {
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC | unix.O_NOCTTY, Resolve: unix.RESOLVE_NO_SYMLINKS}
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &how)
	if err != nil {
		return -1, fmt.Errorf("open: %w", err)
	}
	switch _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK); err {
	case nil:
		return fd, nil
	case unix.EAGAIN, unix.EBUSY:
		return fd, errors.New("somebody has it open for writing")
	}
	if unix.Access(path, unix.W_OK) == nil {
		return fd, errors.New("it can be written here and is not ours, so that it cannot be kept from changing")
	}
	return fd, nil
}

// notPinned lists what decides what runs and is not listed.
func (f *Facts) notPinned() (paths []string) {
	for _, p := range f.started() {
		if f.Pins.Paths[p] == nil {
			paths = append(paths, p)
		}
	}
	return append(paths, f.Closure.Loaders...)
}
