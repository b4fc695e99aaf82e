package closure

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Find returns what a command needs in order to start. An error is a
// *NotFoundError or a *NotExecutableError if the command is to blame.
func Find(r Request) (*Closure, error) {
	if len(r.Command) == 0 {
		return nil, &NotFoundError{"", "is empty"}
	}
	l := newLoader(r.Env, r.Dir)
	l.pin = r.Pin
	ch, err := follow(l, r.Command)
	if err != nil {
		return nil, err
	}
	c := &Closure{
		Program: filepath.Clean(absolute(r.Dir, ch.exec)), Exec: ch.exec,
		Argv: ch.argv, Env: ch.change, Shim: findShim(l, ch), Runs: ch.all, Seen: ch.seen,
	}
	if ch.warning != "" {
		c.Warnings = append(c.Warnings, ch.warning)
	}
	// What a #! line sets is no grant: LD_PRELOAD counts only if the caller had it.
	l.env = EnvChange{Clear: ch.change.Clear, Unset: ch.change.Unset}.lookup(r.Env)
	for _, path := range ch.reads {
		l.files.add(File{Path: path, Access: Read, Why: "the script"})
	}
	for _, path := range ch.runs {
		l.files.add(File{Path: path, Access: Read | Execute, Why: "the script"})
	}
	p := &program{loader: l, object: ch.object, path: absolute(r.Dir, ch.binary), exe: ch.real}
	if err := p.find(c, r.Bare); err != nil {
		return nil, err
	}
	if r.Bare {
		c.Files = l.files.sorted()
		return c, nil
	}
	if p.row != nil {
		// Only what the user typed can grant a file, never the words of a #! line.
		if c.Script = ch.script(); c.Script == "" {
			var warning string
			if c.Script, warning = p.script(r.Command[1:]); warning != "" {
				c.Warnings = append(c.Warnings, warning)
			}
		}
	}
	for _, f := range terminal(0, 1, 2) {
		l.files.add(f)
	}
	l.data(common)
	c.Files = l.files.sorted()
	return c, nil
}

// OfExecutable returns the closure of a program that a child process runs: its
// native code, without scripts, data and terminal.
func OfExecutable(path string) (*Closure, error) {
	nothing := func(string) (string, bool) { return "", false }
	l := newLoader(nothing, "/")
	real, f, err := openProgram(l, path)
	if err != nil {
		return nil, blame("", path, err)
	}
	defer f.close()
	o, err := readObject(l.window.on(f), l.machine)
	if err != nil {
		return nil, blame("", path, err)
	}
	c := &Closure{Program: path, Exec: path, Argv: []string{path}}
	p := &program{loader: l, object: o, path: path, exe: real}
	if err := p.find(c, false); err != nil {
		return nil, err
	}
	c.Files = l.files.sorted()
	return c, nil
}

// A program is an ELF file whose closure is being worked out.
type program struct {
	*loader
	object *object
	path   string // as it is named: a virtual environment depends on it
	exe    string // its real path
	main   *loaded
	known  *scope
	row    *interpreter
	// certain tells that the row is right: anybody can call a program bash.
	certain bool
}

// find adds the ELF closure, and unless bare what the program's own row says.
func (p *program) find(c *Closure, bare bool) error {
	if err := p.elf(c); err != nil {
		return err
	}
	p.row = interpreterOf(p.exe, p.path, p.object.needed)
	if p.row != nil {
		c.Interpreter = p.row.name
		c.Threads = p.row.threads
	}
	if p.object.golang {
		c.Threads = "a Go program"
	}
	if !bare && p.libc != "" {
		p.plugins(c)
	}
	switch {
	case bare:
	case p.row != nil:
		if err := p.install(c); err != nil {
			return err
		}
	case !c.Static:
		for _, dir := range systemLibraries {
			c.Own = append(c.Own, Own{Path: dir})
		}
	}
	c.Warnings = append(c.Warnings, p.missing...)
	return nil
}

// elf adds the executable, its ELF interpreter and the libraries.
func (p *program) elf(c *Closure) error {
	p.files.add(File{Path: p.exe, Access: Read | Execute | Map, Why: "the executable"})
	if c.Static = p.object.interp == ""; c.Static {
		return nil
	}
	interp, err := p.start(p.object.interp)
	if err != nil {
		return &NotExecutableError{p.path, fmt.Sprintf("its ELF interpreter %q: %v", p.object.interp, err)}
	}
	p.files.add(File{Path: interp, Access: Read | Execute | Map, Why: "ELF interpreter of " + p.path})
	c.Loaders = []string{interp}
	p.main = &loaded{object: p.object, path: p.exe, access: Read | Map}
	p.known = newScope(nil)
	p.known.names[filepath.Base(p.object.interp)] = true
	preloaded, err := p.preload()
	if err != nil {
		return &NotExecutableError{p.path, err.Error()}
	}
	if err := p.needs(append([]*loaded{p.main}, preloaded...), p.known); err != nil {
		return &NotExecutableError{p.path, err.Error()}
	}
	if p.libc != "" {
		p.data(glibcData)
	}
	return nil
}

// plugins adds what the C library opens by name beside itself. A program can
// bring a C library of its own, with links beside it that lead anywhere: outside
// of the system, what is beside it counts only if it is there and what it should be.
func (p *program) plugins(c *Closure) {
	for _, d := range glibcPlugins {
		path := p.libc + "/" + d.path
		real, err := p.real(path)
		if err != nil {
			continue // not on this system, and nobody misses it
		}
		switch {
		case isBelow(publicTrees, real):
		case filepath.Dir(real) != p.libc:
			continue
		case d.tree && !isRegular(real+"/gconv-modules"), !d.tree && p.readLibrary(real) == nil:
			continue
		}
		p.files.add(File{Path: real, Access: d.access, Tree: d.tree, Why: d.why})
		if d.tree {
			c.Own = append(c.Own, Own{Path: real})
		}
	}
}

// locate resolves an absolute, clean path, most of which have no symbolic link in
// them. To open one says so in one call, and the descriptor serves its rule.
func (l *loader) locate(path string) (real string, pin int, err error) {
	if l.pin {
		how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
		switch pin, err = unix.Openat2(unix.AT_FDCWD, path, &how); err {
		case nil:
			return path, pin, nil
		case unix.ENOENT:
			return "", 0, err
		}
		// A symbolic link, an outer sandbox that refuses the call, or too many files.
	}
	real, err = l.real(path)
	return real, 0, err
}

// data adds the files of a table that exist.
func (l *loader) data(table []datum) {
	for _, d := range table {
		real, pin, err := l.locate(d.path)
		if err != nil {
			continue // not on this system, and nobody misses it
		}
		l.files.add(File{Path: real, Access: d.access, Tree: d.tree, Why: d.why, Pin: pin})
	}
}
