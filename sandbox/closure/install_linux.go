package closure

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Limits of a walk through native modules: perl's lie in 100 directories.
const (
	maxDepth   = 10
	maxEntries = 50_000
)

// install adds the installation of a known interpreter.
func (p *program) install(c *Closure) error {
	lay := p.row.layout(p)
	p.certain = len(lay.native) > 0 || isSystem(p.prefix()) || isBelow(publicTrees, p.exe)
	for _, path := range lay.read {
		p.tree(path, "installation of "+p.row.name)
	}
	for _, path := range lay.native {
		if real := p.tree(path, "library of "+p.row.name); real != "" && !c.Static {
			c.Own = append(c.Own, Own{real, p.row.foreign})
		}
	}
	if c.Static {
		return nil
	}
	w := &walk{program: p}
	for _, path := range lay.modules {
		if err := w.directory(path, 0); err != nil {
			return &NotExecutableError{p.path, err.Error()}
		}
	}
	return nil
}

// tree adds a file or directory for reading, if it exists.
func (l *loader) tree(path, why string) (real string) {
	real, err := l.real(path)
	if err != nil {
		return ""
	}
	l.files.add(File{Path: real, Access: Read, Tree: isDir(real), Why: why})
	return real
}

// A walk goes through directories of native modules and adds what these need.
type walk struct {
	*program
	entries int
}

func (w *walk) directory(dir string, depth int) error {
	list, err := readDir(dir)
	if err != nil {
		return nil // what cannot be listed is not there, or cannot be loaded
	}
	if w.entries += len(list); depth > maxDepth || w.entries > maxEntries {
		return errTooMuch
	}
	for _, e := range list {
		path := dir + "/" + e.name
		switch {
		case e.dir:
			err = w.directory(path, depth+1)
		case isLibrary(e.name):
			err = w.module(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func isLibrary(name string) bool {
	return strings.HasSuffix(name, ".so") || strings.Contains(name, ".so.")
}

// module adds what one native module needs. The module itself lies in a tree that
// is granted. What a foreign-function interface needs can be read, for the day
// that --allow-addons is given, but not mapped.
func (p *program) module(path string) error {
	o := p.readLibrary(path)
	if o == nil {
		return nil
	}
	access := Read | Map
	if matches(p.row.foreign, path) {
		access = Read
	}
	// What is missing is for the module to miss, if it is ever loaded.
	missing := p.missing
	err := p.needs([]*loaded{{object: o, path: path, parent: p.main, access: access}}, newScope(p.known))
	p.missing = missing
	return err
}

func matches(patterns []string, path string) bool {
	for _, pattern := range patterns {
		if ok, err := filepath.Match(pattern, filepath.Base(path)); ok && err == nil {
			return true
		}
	}
	return false
}

// script returns the script that the interpreter runs, and adds it for reading.
func (p *program) script(args []string) (string, string) {
	name, unknown := p.row.options.script(args)
	if unknown != "" {
		return "", fmt.Sprintf("what %s runs is not granted: sandrun does not know its option %q. Add --allow-fs-read=FILE for the script", p.row.name, unknown)
	}
	if name == "" || strings.IndexByte(name, 0) >= 0 {
		return "", ""
	}
	if !p.certain {
		return "", fmt.Sprintf("what %s runs is not granted: it is %s by its name only. Add --allow-fs-read=FILE for the script", p.exe, p.row.name)
	}
	for _, suffix := range append([]string{""}, p.row.options.suffixes...) {
		real, err := p.real(absolute(p.dir, name+suffix))
		var st unix.Stat_t
		if err != nil || unix.Stat(real, &st) != nil {
			continue
		}
		if st.Mode&unix.S_IFMT == unix.S_IFREG {
			p.files.add(File{Path: real, Access: Read, Why: "the script"})
			return real, ""
		}
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return "", name + " is a directory: it is not granted because it is run, as a script is"
		}
	}
	return "", ""
}
