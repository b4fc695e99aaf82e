package closure

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// maxProbes bounds how many files one closure looks at. A desktop program with
// 300 libraries needs 600; a hostile one could ask for millions.
const maxProbes = 20_000

var errTooMuch = errors.New("needs more libraries than sandrun looks for")

// A loader looks libraries up in the way of the dynamic loader.
type loader struct {
	disk
	machine *machine
	env     func(string) (string, bool)
	dir     string // working directory
	home    string // of the user, "" if that is not known
	files   *fileSet
	pin     bool // keep descriptors

	musl     bool
	paths    string // LD_LIBRARY_PATH
	defaults []string
	window   window
	cache    *cache // nil until it is needed
	libc     string // directory of the GNU C library, once it was needed
	objects  map[string]*object
	probes   int
	missing  []string // warnings
}

func newLoader(env func(string) (string, bool), dir string) *loader {
	home, _ := env("HOME") // without it there is none to protect
	return &loader{
		disk: newDisk(), machine: native, env: env, dir: dir, home: home,
		files: newFileSet(), objects: map[string]*object{},
	}
}

// start prepares for the libraries of a program with this ELF interpreter, whose
// real path it returns.
func (l *loader) start(interp string) (string, error) {
	path, err := l.real(absolute(l.dir, interp))
	if err != nil {
		return "", err
	}
	// Whoever wrote the program chose this name, unless it is the only usual one.
	if interp != l.machine.interp && l.readLibrary(path) == nil {
		return "", formatError("is no ELF file of this machine")
	}
	if value, ok := l.env("LD_LIBRARY_PATH"); ok {
		l.paths = strings.ReplaceAll(value, ";", ":")
	}
	base := filepath.Base(interp)
	l.musl = strings.HasPrefix(base, "ld-musl-")
	if l.musl {
		l.startMusl(path)
		return path, nil
	}
	// Distributions that keep a C library beside the system's compile its own
	// folder in as a default.
	l.defaults = append(append([]string(nil), l.machine.defaults...), filepath.Dir(path))
	return path, nil
}

// needs adds what objects need, breadth first as the loader maps it.
func (l *loader) needs(queue []*loaded, known *scope) error {
	for len(queue) > 0 {
		from := queue[0]
		queue = queue[1:]
		for _, name := range from.needed {
			if known.has(name) || l.musl && isMuslItself(name) {
				continue
			}
			known.names[name] = true
			found, err := l.search(name, from)
			if err != nil {
				return err
			}
			if len(found) == 0 {
				l.missing = append(l.missing, fmt.Sprintf("library %q, needed by %s, is not there", name, from.path))
			}
			for _, o := range found {
				known.add(name, o)
			}
			queue = append(queue, found...)
		}
	}
	return nil
}

// search finds a library by the name that an object needs it under: one file, or
// its variants for several processors.
func (l *loader) search(name string, from *loaded) ([]*loaded, error) {
	if strings.Contains(name, "/") {
		for _, path := range l.expand(name, from) {
			if o, err := l.load(path, from); o != nil || err != nil {
				return []*loaded{o}, err
			}
		}
		return nil, nil
	}
	var found []*loaded
	for _, place := range l.places(from) {
		more, plain, err := place(name)
		if err != nil {
			return nil, err
		}
		if found = append(found, more...); plain {
			return found, nil
		}
	}
	return found, nil
}

// A place is where libraries are looked up. It says whether it found one that
// fits every processor, so that the search can end.
type place func(name string) (found []*loaded, plain bool, err error)

// places lists where glibc and musl look, in their order.
func (l *loader) places(from *loaded) []place {
	inherited := l.directories(func() []string { return l.inheritedPaths(from) }, from)
	library := l.directories(func() []string { return l.pathList(l.paths, from.program()) }, from)
	if l.musl {
		return []place{library, inherited, l.directories(func() []string { return l.defaults }, from)}
	}
	own := l.directories(func() []string { return l.pathList(from.runpath, from) }, from)
	if from.noDefault {
		return []place{inherited, library, own}
	}
	return []place{
		inherited, library, own,
		func(name string) ([]*loaded, bool, error) { return l.inCache(name, from) },
		l.directories(func() []string { return l.defaults }, from),
	}
}

// inheritedPaths is DT_RPATH of an object and of what loaded it. DT_RUNPATH
// switches DT_RPATH off; musl treats both alike.
func (l *loader) inheritedPaths(from *loaded) (dirs []string) {
	if from.runpath != "" && !l.musl {
		return nil
	}
	for o := from; o != nil; o = o.parent {
		switch {
		case o.runpath == "":
			dirs = append(dirs, l.pathList(o.rpath, o)...)
		case l.musl:
			dirs = append(dirs, l.pathList(o.runpath, o)...)
		}
	}
	return dirs
}

// pathList splits a list of directories and expands it. An empty element is the
// working directory.
func (l *loader) pathList(list string, of *loaded) (dirs []string) {
	if list == "" {
		return nil
	}
	for dir := range strings.SplitSeq(list, ":") {
		dirs = append(dirs, l.expand(dir, of)...)
	}
	return dirs
}

// directories is a place that looks into directories, one after the other.
func (l *loader) directories(list func() []string, from *loaded) place {
	return func(name string) (found []*loaded, plain bool, err error) {
		for _, dir := range list() {
			dir = absolute(l.dir, dir)
			for _, variant := range l.variantsOf(dir) {
				o, err := l.load(variant+"/"+name, from)
				if err != nil {
					return nil, false, err
				}
				if o != nil {
					found = append(found, o)
				}
			}
			o, err := l.load(dir+"/"+name, from)
			if err != nil {
				return nil, false, err
			}
			if o != nil {
				return append(found, o), true, nil
			}
		}
		return found, false, nil
	}
}

// inCache looks a name up in ld.so.cache.
func (l *loader) inCache(name string, from *loaded) (found []*loaded, plain bool, err error) {
	if l.cache == nil {
		data, err := readFile("/etc/ld.so.cache", maxCache)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			l.missing = append(l.missing, fmt.Sprintf("/etc/ld.so.cache: %v", err))
		}
		c := parseCache(data)
		l.cache = &c
	}
	paths, plain := l.cache.find(name, l.machine.cacheFlags)
	for _, path := range paths {
		o, err := l.load(path, from)
		if err != nil {
			return nil, false, err
		}
		if o != nil {
			found = append(found, o)
		}
	}
	return found, plain && len(found) == len(paths), nil
}

// load reads a candidate, and adds it to the closure. It returns nil for what the
// loader would pass over: nothing there, or built for another machine.
func (l *loader) load(path string, from *loaded) (*loaded, error) {
	if l.probes++; l.probes > maxProbes {
		return nil, errTooMuch
	}
	real, err := l.real(path)
	if err != nil {
		return nil, nil
	}
	o, ok := l.objects[real]
	if !ok {
		o = l.readLibrary(real)
		l.objects[real] = o
	}
	if o == nil {
		return nil, nil
	}
	if filepath.Base(path) == "libc.so.6" {
		l.libc = filepath.Dir(real)
	}
	l.files.add(File{Path: real, Access: from.access, Why: "needed by " + from.path})
	return &loaded{object: o, path: path, parent: from, access: from.access}, nil
}

// readLibrary reads a library, nil if it cannot be loaded.
func (l *loader) readLibrary(path string) *object {
	f, err := open(path)
	if err != nil {
		return nil
	}
	defer f.close()
	o, err := readObject(l.window.on(f), l.machine)
	if err != nil {
		return nil
	}
	return o
}

// variantsOf lists the directories for newer processors below a library
// directory. All of them: which ones the loader takes depends on the processor
// and on GLIBC_TUNABLES, and reading a variant of a library reveals nothing.
func (l *loader) variantsOf(dir string) []string {
	if l.musl {
		return nil
	}
	if known, ok := l.variants[dir]; ok {
		return known
	}
	var found []string
	base := dir + "/glibc-hwcaps"
	if l.exists(base) {
		entries, _ := readDir(base) // one that cannot be listed cannot be searched
		for _, e := range entries {
			found = append(found, base+"/"+e.name)
		}
	}
	l.variants[dir] = found
	return found
}
