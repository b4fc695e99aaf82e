package closure

import (
	"path/filepath"
	"strings"
)

// prefix is the directory that an installation lies in: bin's parent.
func (p *program) prefix() string { return filepath.Dir(filepath.Dir(p.exe)) }

// isSystem tells whether a prefix is shared by everything on the system.
func isSystem(prefix string) bool { return prefix == "/usr" || prefix == "/usr/local" || prefix == "/" }

// below joins every directory with every name.
func below(prefix string, dirs []string, names ...string) (paths []string) {
	for _, dir := range dirs {
		for _, name := range names {
			paths = append(paths, filepath.Join(prefix, dir, name))
		}
	}
	return paths
}

func bashLayout(p *program) layout {
	return layout{
		// bash complains at every interactive start when it cannot read these.
		read:   []string{"/etc/bash.bashrc", "/etc/inputrc"},
		native: below(p.prefix(), []string{"lib"}, "bash"),
	}
}

func nodeLayout(p *program) layout {
	return layout{native: below(p.prefix(), []string{"lib", "share"}, "node_modules", "nodejs")}
}

// perlLayout covers @INC of Debian, Fedora, Alpine and Arch, and of a perl that
// was installed into a directory of its own. Native modules are in directories
// named auto.
func perlLayout(p *program) (lay layout) {
	prefix := p.prefix()
	if isSystem(prefix) {
		lay.read = append(below(prefix, []string{"share"}, "perl", "perl5"), "/etc/perl")
		lay.native = append(
			below(prefix, p.machine.lib, "perl", "perl5", "perl-base"),
			below(prefix+"/local", append([]string{"share"}, p.machine.lib...), "perl", "perl5", "site_perl")...,
		)
	} else {
		lay.native = []string{prefix + "/lib"}
	}
	for _, dir := range lay.native {
		lay.modules = append(lay.modules, p.autoDirs(dir, 0)...)
	}
	return lay
}

// autoDirs finds the directories named auto: at the top (perl-base), or below
// those of a version and a machine.
func (p *program) autoDirs(dir string, depth int) (found []string) {
	list, _ := readDir(dir) // one that is not there has none
	for _, e := range list {
		switch path := dir + "/" + e.name; {
		case e.name == "auto":
			found = append(found, path)
		case e.dir && depth < 3 && (isDigit(e.name[0]) || strings.Contains(e.name, "linux") || strings.HasSuffix(e.name, "_perl")):
			found = append(found, p.autoDirs(path, depth+1)...)
		}
	}
	return found
}

// rubyLayout covers Debian, where native modules have a directory of their own,
// and the others, where they are below the version in one that is named after the
// machine.
func rubyLayout(p *program) layout {
	prefix := p.prefix()
	lay := layout{
		read:   below(prefix, append([]string{"share"}, p.machine.lib...), "rubygems-integration"),
		native: append(below(prefix, p.machine.lib, "ruby"), prefix+"/local/lib/site_ruby", "/var/lib/gems"),
	}
	for _, dir := range below(prefix, p.machine.lib, "ruby") {
		if strings.HasSuffix(filepath.Dir(dir), "-linux-gnu") {
			lay.modules = append(lay.modules, dir)
			continue
		}
		versions, _ := readDir(dir) // one that is not there has none
		for _, v := range versions {
			lay.modules = append(lay.modules, dir+"/"+v.name+"/"+p.machine.name+"-linux")
		}
	}
	return lay
}

// javaLayout is the home of a Java virtual machine. Debian keeps its settings in
// /etc and links to them.
func javaLayout(p *program) layout {
	home := p.prefix()
	lay := layout{
		read:    []string{home, "/etc/ssl/certs/java/cacerts"},
		native:  []string{home + "/lib"},
		modules: []string{home + "/lib"},
	}
	entries, _ := readDir("/etc") // without /etc there are no settings in it
	for _, e := range entries {
		if strings.HasPrefix(e.name, "java-") {
			lay.read = append(lay.read, "/etc/"+e.name)
		}
	}
	return lay
}

// pythonLayout finds the standard library as python does: from the directory of
// the executable, or the one that a virtual environment names, upwards.
func pythonLayout(p *program) (lay layout) {
	bin, packages := filepath.Dir(p.exe), true
	if venv, ok := p.findVenv(); ok {
		lay.read = append(lay.read, venv.root+"/pyvenv.cfg")
		lay.native = below(venv.root, []string{""}, "lib", "lib64")
		bin, packages = venv.home, venv.system
	}
	for dir := bin; ; dir = filepath.Dir(dir) {
		if found := p.pythonLibraries(dir); len(found) > 0 {
			lay.native = append(lay.native, found...)
			lay.modules = below("", found, "lib-dynload")
			if dir == "/usr" {
				lay.debianPython(found, packages)
			}
			return lay
		}
		if dir == "/" {
			return lay
		}
	}
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
	base := filepath.Base(p.exe)
	known := false
	for _, lib := range []string{"lib", "lib64"} {
		entries, _ := readDir(filepath.Join(prefix, lib)) // one that is not there has none
		for _, e := range entries {
			if name := e.name; strings.HasPrefix(name, "python") && strings.Contains(name, ".") && sameVersion(base, name) {
				path := filepath.Join(prefix, lib, name)
				found = append(found, path)
				known = known || p.exists(path+"/os.py")
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
	root   string
	home   string // directory of the python that it was made from
	system bool   // sees the packages of that python
}

// findVenv looks for pyvenv.cfg where python does: beside the executable as it
// was named, or one directory up.
func (p *program) findVenv() (venv, bool) {
	dir := filepath.Dir(filepath.Clean(p.path))
	for _, root := range []string{dir, filepath.Dir(dir)} {
		data, err := readFile(root+"/pyvenv.cfg", 64<<10)
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
