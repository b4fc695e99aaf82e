package closure

import (
	"path/filepath"
	"strings"
)

// pythonLayout finds the standard library as python does: beside the directory of
// the executable, or of the one that a virtual environment names.
func pythonLayout(p *program) (lay layout) {
	prefix, packages := p.prefix(), true
	if venv, ok := p.findVenv(); ok {
		lay.read = append(lay.read, venv.root+"/pyvenv.cfg")
		lay.native = p.below(venv.root, []string{""}, "lib", "lib64")
		prefix, packages = p.prefixOf(venv.home), venv.system
	}
	found := p.pythonLibraries(prefix)
	if len(found) == 0 {
		return layout{}
	}
	lay.native = append(lay.native, found...)
	for _, path := range found {
		lay.modules = append(lay.modules, path+"/lib-dynload")
	}
	if prefix == "/usr" {
		lay.debianPython(found, packages)
	}
	return lay
}

// debianPython adds what Debian keeps apart: settings in /etc, and packages.
func (lay *layout) debianPython(libraries []string, packages bool) {
	lay.read = append(lay.read, "/etc/python3")
	for _, path := range libraries {
		version := filepath.Base(path)
		lay.read = append(lay.read, "/etc/"+version)
		if packages {
			lay.native = append(lay.native, "/usr/local/lib/"+version+"/dist-packages")
		}
	}
	if packages {
		lay.native = append(lay.native, "/usr/lib/python3/dist-packages")
	}
}

// pythonLibraries lists the standard libraries in a prefix that are for this
// python: lib/python3.11, known by its os.py, and the same in lib64.
func (p *program) pythonLibraries(prefix string) (found []string) {
	if prefix == "" {
		return nil
	}
	base := filepath.Base(p.exe)
	known := false
	for _, lib := range []string{"lib", "lib64"} {
		entries, _ := readDir(filepath.Join(prefix, lib)) // one that is not there has none
		for _, e := range entries {
			if name := e.name; strings.HasPrefix(name, "python") && strings.Contains(name, ".") && sameVersion(base, name) {
				found = append(found, p.below(prefix, []string{lib}, name)...)
				known = known || p.marked(prefix, lib+"/"+name+"/os.py")
			}
		}
	}
	if !known {
		return nil
	}
	return found
}

// sameVersion tells whether an executable can belong to a library: python3.11-dbg
// to python3.11, and python3 to any python3.N.
func sameVersion(executable, library string) bool {
	if strings.Contains(executable, ".") {
		rest, ok := strings.CutPrefix(executable, library)
		return ok && (rest == "" || !isDigit(rest[0]))
	}
	return strings.HasPrefix(library, executable)
}

// A venv is a virtual environment of python.
type venv struct {
	root   string // resolved
	home   string // directory of the python that it was made from
	system bool   // sees the packages of that python
}

// findVenv looks for pyvenv.cfg where python does: beside the executable as it
// was named, or one directory up. A link to a file elsewhere is none.
func (p *program) findVenv() (venv, bool) {
	dir := filepath.Dir(filepath.Clean(p.path))
	for _, root := range []string{dir, filepath.Dir(dir)} {
		file, err := p.real(root + "/pyvenv.cfg")
		if err != nil {
			continue
		}
		if root, err = p.real(root); err != nil || p.isShared(root) || file != root+"/pyvenv.cfg" {
			continue
		}
		data, err := readFile(file, 64<<10)
		if err != nil {
			continue
		}
		v := venv{root: root, home: filepath.Dir(p.exe)}
		for line := range strings.Lines(string(data)) {
			key, value, _ := strings.Cut(line, "=")
			value = strings.TrimSpace(value)
			switch strings.ToLower(strings.TrimSpace(key)) {
			case "home":
				v.home = absolute(root, value)
			case "include-system-site-packages":
				v.system = strings.EqualFold(value, "true")
			}
		}
		return v, true
	}
	return venv{}, false
}
