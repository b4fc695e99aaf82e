package closure

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Limits of a walk through a standard library: perl's has 160 directories.
const (
	maxDepth   = 10
	maxEntries = 50_000
)

// install adds the installation of a known interpreter.
func (p *program) install(c *Closure) error {
	lay := p.row.layout(p)
	for _, path := range lay.read {
		p.tree(path, "installation of "+p.row.name)
	}
	for _, path := range lay.packages {
		if real := p.tree(path, "packages of "+p.row.name); real != "" && !c.Static {
			c.Own = append(c.Own, Own{real, p.row.foreign})
		}
	}
	for _, path := range lay.native {
		real := p.tree(path, "standard library of "+p.row.name)
		if real == "" || c.Static {
			continue
		}
		c.Own = append(c.Own, Own{real, p.row.foreign})
		if err := p.modules(real); err != nil {
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

// modules adds what the native modules below a directory need. Foreign-function
// interfaces are for --allow-addons: what they need can be read then, no more.
func (p *program) modules(root string) error {
	entries := 0
	var walk func(dir string, depth int) error
	walk = func(dir string, depth int) error {
		list, err := os.ReadDir(dir)
		if entries += len(list); err != nil || depth > maxDepth || entries > maxEntries {
			return nil // what cannot be listed cannot be loaded either
		}
		for _, e := range list {
			path := dir + "/" + e.Name()
			switch {
			case e.IsDir():
				err = walk(path, depth+1)
			case isLibrary(e.Name()):
				err = p.module(path)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return walk(root, 0)
}

func isLibrary(name string) bool {
	return strings.HasSuffix(name, ".so") || strings.Contains(name, ".so.")
}

// module adds what one native module needs; it lies in a tree that is granted
// itself.
func (p *program) module(path string) error {
	o := readLibrary(path, p.machine)
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
	name := p.row.options.script(args)
	if name == "" || strings.IndexByte(name, 0) >= 0 {
		return "", ""
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
