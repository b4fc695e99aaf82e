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
func pins(p policy.Policy) (*supervisor.Pins, error) {
	var pins *supervisor.Pins
	for _, r := range p.Resources {
		if r.Any || r.Dir {
			continue
		}
		if pins == nil {
			pins = supervisor.NewPins()
		}
		real := r.Path
		if at, err := find(r.Path); err == nil {
			real = at.path
		}
		var st unix.Stat_t
		if unix.Stat(real, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return nil, fmt.Errorf("%s: %s is a directory, which has no digest: end the key with a slash, with \"integrity\": true, or list its files", r.Source, r.Path)
		}
		pins.Add(r.Path, real, r.Integrity)
	}
	return pins, nil
}

// started are the files whose content decides what the launch runs: the program, for
// a script its interpreter, and their ELF interpreter. The others are verified when
// they are opened.
func (f *Facts) started() []closure.Run {
	c := f.Closure
	runs := slices.Clone(c.Runs)
	has := func(real string) bool {
		return slices.ContainsFunc(runs, func(r closure.Run) bool { return r.Real == real })
	}
	for _, p := range append([]string{c.Script}, c.Loaders...) {
		if p != "" && !has(p) {
			runs = append(runs, closure.Run{Named: p, Real: p})
		}
	}
	return runs
}

// A guarded is what was verified before the launch and is looked at again when the
// program has started.
type guarded struct {
	files []guardedFile
	exe   supervisor.ID // what must be running after the exec
	seen  []string      // and with which arguments
}

// A guardedFile is one that nobody can write until its descriptor is closed.
type guardedFile struct {
	path   string
	fd     int
	leased bool
	loader bool        // the kernel maps it beside the program
	stat   unix.Stat_t // when it was read
}

// watches tells whether the exec must be watched: a verified program is to start.
func (g *guarded) watches() bool { return g.exe != (supervisor.ID{}) }

// release lets the files be written again. The kernel keeps what runs from that.
func (g *guarded) release() {
	for _, f := range g.files {
		unix.Close(f.fd)
	}
	g.files = nil
}

// unchanged tells whether what was verified stayed as it was. A lease ends when its
// holder does not give it up in time: who stops sandrun for a minute can write then.
func (g *guarded) unchanged() error {
	for i := range g.files {
		f, now := &g.files[i], unix.Stat_t{}
		if err := unix.Fstat(f.fd, &now); err != nil {
			return fmt.Errorf("fstat: %w", err)
		}
		lease, err := unix.FcntlInt(uintptr(f.fd), unix.F_GETLEASE, 0)
		if now.Size != f.stat.Size || now.Ctim != f.stat.Ctim || now.Mtim != f.stat.Mtim || f.leased && (err != nil || lease != unix.F_RDLCK) {
			return fmt.Errorf("%q was written while the program started", f.path)
		}
	}
	return nil
}

// verify compares what is about to start with what is pinned, and holds it so.
func (p *Plan) verify() (*guarded, error) {
	g, pins := &guarded{}, p.facts.Pins
	if pins == nil {
		return g, nil
	}
	if err := p.verifyInherited(); err != nil {
		return nil, err
	}
	if p.facts.Policy.OnError != policy.Log {
		var st unix.Stat_t
		if err := unix.Stat(p.facts.executable(), &st); err != nil {
			return nil, &IntegrityError{p.Program, err}
		}
		g.exe, g.seen = supervisor.ID{Dev: uint64(st.Dev), Ino: st.Ino}, p.facts.Closure.Seen
	}
	for _, run := range p.facts.started() {
		pin := p.facts.pinOf(run)
		if pin == nil {
			continue
		}
		if err := g.add(run.Real, p.facts.isLoader(run.Real), pin, pins); err != nil {
			if err = p.mismatch(run.Real, err); err != nil {
				g.release()
				return nil, err
			}
		}
	}
	return g, nil
}

// pinOf finds what is pinned of a file that is about to start.
func (f *Facts) pinOf(run closure.Run) *supervisor.Pin {
	var id supervisor.ID
	var st unix.Stat_t
	if unix.Stat(run.Real, &st) == nil {
		id = supervisor.ID{Dev: uint64(st.Dev), Ino: st.Ino}
	}
	return f.Pins.Of(run.Real, run.Named, id)
}

// add guards and verifies a file.
func (g *guarded) add(path string, loader bool, pin *supervisor.Pin, pins *supervisor.Pins) error {
	fd, leased, err := guard(path)
	if fd < 0 {
		return err
	}
	f := guardedFile{path: path, fd: fd, leased: leased, loader: loader}
	if err == nil {
		err = unix.Fstat(fd, &f.stat)
	}
	g.files = append(g.files, f)
	if err == nil {
		err = pin.Check(fd)
	}
	if err == nil {
		err = pins.Trust(fd, pin)
	}
	return err
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
func guard(path string) (fd int, leased bool, err error) {
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC | unix.O_NOCTTY, Resolve: unix.RESOLVE_NO_SYMLINKS}
	if fd, err = unix.Openat2(unix.AT_FDCWD, path, &how); err != nil {
		return -1, false, fmt.Errorf("open: %w", err)
	}
	switch _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK); err {
	case nil:
		return fd, true, nil
	case unix.EAGAIN, unix.EBUSY:
		return fd, false, errors.New("somebody has it open for writing")
	}
	if unix.Access(path, unix.W_OK) == nil {
		return fd, false, errors.New("it can be written here and is not ours, so that it cannot be kept from changing")
	}
	return fd, false, nil
}

func (f *Facts) isLoader(p string) bool { return slices.Contains(f.Closure.Loaders, p) }

// notPinned lists what decides what runs and is not listed.
func (f *Facts) notPinned() (paths []string) {
	for _, run := range f.started() {
		if f.Pins.Of(run.Real, run.Named, supervisor.ID{}) == nil {
			paths = append(paths, run.Real)
		}
	}
	return paths
}
