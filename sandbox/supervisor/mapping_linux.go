package supervisor

import (
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/closure"
	"sandrun/sandbox/listener"
)

// Mapping decides which files may be mapped executable. It is a guard against
// loading foreign code (dlopen, plug-ins), not a boundary against hostile native
// code: another thread can exchange the descriptor after it was judged.
type Mapping struct {
	All     bool             // --allow-addons: only ELF interpreters are refused
	Areas   []policy.Area    // --allow-addons=PATTERN
	Loaders []string         // of a program list: a process that runs one maps nothing
	First   *closure.Closure // what the target's own program may map
}

// An image is what a running program may map as its own.
type image struct {
	loader bool
	files  map[ID]bool
	own    []closure.Own
}

// imageKey names a program; a file that was written again is another program.
type imageKey struct {
	ID
	changed unix.Timespec
}

// mapping serves an mmap with PROT_EXEC of a file.
func (s *server) mapping(n *listener.Notification) {
	m := s.rules.Mapping
	running, err := s.running(n.PID)
	link := ofDescriptor(n.PID, int32(n.Args[4]))
	switch {
	case m == nil || err != nil || running.loader:
	case m.All:
		s.listener.Continue(n.ID)
		return
	default:
		st, err := stat(link)
		if err == unix.ENOENT {
			s.listener.Refuse(n.ID, unix.EBADF)
			return
		}
		if err == nil && s.mayMap(running, &st, link) {
			s.listener.Continue(n.ID)
			return
		}
	}
	path, err := readLink(link)
	switch {
	case err != nil:
		path = ""
	case isProbe(s.rules.Harmless, path, false, Read, callerExe(n)):
		s.tellProbe(n, policy.Addon, path)
		s.listener.Refuse(n.ID, unix.EACCES)
		return
	}
	s.deny(n, policy.Addon, path, unix.EACCES)
}

// mayMap judges a file that a program wants to map executable.
func (s *server) mayMap(running *image, st *unix.Stat_t, link string) bool {
	id := identify(st)
	if s.rules.Pins == nil && running.files[id] {
		return true
	}
	path, err := readLink(link)
	if of, copied := s.verified.of(id); copied { // the verified bytes of a file count as the file
		id, path = of.id, of.path
	} else if s.rules.Pins.Of(path, path, id) != nil {
		return false // a pinned file is only ever handed out as a copy
	}
	if running.files[id] {
		return true
	}
	return err == nil && (covered(s.rules.Mapping.Areas, path) || owns(running.own, path) && !s.mayWrite(path))
}

// maxImages bounds what is remembered; it is far more than a build runs.
const maxImages = 1 << 12

// running returns what the program of a thread may map. Where there is no exec but the
// first, that program is always the same.
func (s *server) running(tid uint32) (*image, error) {
	if only := s.only.Load(); only != nil {
		return only, nil
	}
	found, err := s.image(tid)
	if err == nil && s.rules.Once && s.rules.OnError != policy.Log {
		s.only.Store(found)
	}
	return found, err
}

// image returns what the program of a thread may map, and works it out when the
// program is seen for the first time.
func (s *server) image(tid uint32) (*image, error) {
	exe := ofThread(tid, "exe")
	st, err := stat(exe)
	if err != nil {
		return nil, err
	}
	key := imageKey{identify(&st), st.Ctim}
	s.imagesLock.Lock()
	defer s.imagesLock.Unlock()
	if known, ok := s.images[key]; ok {
		return known, nil
	}
	if len(s.images) > maxImages { // a target can write programs without end
		clear(s.images)
	}
	made := s.newImage(exe, key.ID)
	s.images[key] = made
	return made, nil
}

// addFirst works out what the target's own program may map before it runs. That
// is every program of its closure (a script runs its interpreter) but the ELF
// interpreter, which runs as a program only when somebody wants it to load
// another.
func (s *Supervisor) addFirst(c *closure.Closure) {
	var own *image
	for _, f := range c.Files {
		if f.Access&closure.Execute == 0 || slices.Contains(c.Loaders, f.Path) {
			continue
		}
		st, err := stat(f.Path)
		if err != nil {
			continue
		}
		if own == nil {
			own = s.imageOf(f.Path, c)
		}
		s.images[imageKey{identify(&st), st.Ctim}] = own
	}
}

// newImage works out what a program that is running may map.
func (s *Supervisor) newImage(exe string, id ID) *image {
	for _, path := range s.rules.Mapping.Loaders {
		if st, err := stat(path); err == nil && identify(&st) == id {
			return &image{loader: true}
		}
	}
	path, err := readLink(exe)
	if err != nil {
		return &image{}
	}
	needs, err := closure.OfExecutable(path)
	if err != nil { // a program whose closure cannot be told maps nothing
		return &image{}
	}
	return s.imageOf(path, needs)
}

func (s *Supervisor) imageOf(path string, needs *closure.Closure) *image {
	made := &image{files: map[ID]bool{}}
	for _, f := range needs.Files {
		if f.Access&closure.Map == 0 {
			continue
		}
		if st, err := stat(f.Path); err == nil {
			made.files[identify(&st)] = true
		}
	}
	if needs.Interpreter != "" || !s.mayWrite(path) {
		made.own = needs.Own
	}
	return made
}

// mayWrite tells whether the target can change a file or put another in its
// place: its grants cover it, and the ordinary permissions, which are the
// supervisor's as well, let it.
func (s *Supervisor) mayWrite(path string) bool {
	if !s.rules.Writes { // most launches: to look at every file that is granted takes 0.1 ms
		return false
	}
	st, err := stat(path)
	return err == nil && s.rules.Files().mayChange(path, identify(&st), false) &&
		(unix.Access(path, unix.W_OK) == nil || unix.Access(filepath.Dir(path), unix.W_OK) == nil)
}

func covered(areas []policy.Area, path string) bool {
	for _, a := range areas {
		if a.Covers(path) {
			return true
		}
	}
	return false
}

// owns tells whether a file lies in a directory of the program's own native
// code and is not one of the exceptions (foreign-function interfaces).
func owns(dirs []closure.Own, path string) bool {
	for _, d := range dirs {
		if strings.HasPrefix(path, d.Path+"/") && !excepted(d.Except, path) {
			return true
		}
	}
	return false
}

func excepted(patterns []string, path string) bool {
	for _, p := range patterns {
		if ok, err := filepath.Match(p, filepath.Base(path)); ok || err != nil {
			return true
		}
	}
	return false
}
