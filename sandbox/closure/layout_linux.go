package closure

import (
	"path/filepath"
	"strings"
)

// bashLayout has modules for bash of the system only: nothing tells an
// installation of bash from a directory that somebody named so.
func bashLayout(p *program) (lay layout) {
	// bash complains at every interactive start when it cannot read these.
	lay.read = []string{"/etc/bash.bashrc", "/etc/inputrc"}
	if prefix := p.prefix(); isSystem(prefix) {
		lay.native = p.below(prefix, []string{"lib"}, "bash")
	}
	return lay
}

// nodeLayout is the packages that come with node, among them always npm or
// corepack where node is not the system's.
func nodeLayout(p *program) (lay layout) {
	prefix := p.prefix()
	switch {
	case isSystem(prefix):
		lay.native = p.below(prefix, []string{"lib", "share"}, "node_modules", "nodejs")
	case p.marked(prefix, "lib/node_modules/npm/package.json"), p.marked(prefix, "lib/node_modules/corepack/package.json"):
		lay.native = p.below(prefix, []string{"lib"}, "node_modules")
	}
	return lay
}

// perlLayout covers @INC of Debian, Fedora, Alpine and Arch, and of a perl that
// was installed into a directory of its own. Native modules are in directories
// named auto.
func perlLayout(p *program) (lay layout) {
	prefix := p.prefix()
	if isSystem(prefix) {
		lay.read = append(p.below(prefix, []string{"share"}, "perl", "perl5"), "/etc/perl")
		lay.native = append(
			p.below(prefix, p.machine.lib, "perl", "perl5", "perl-base"),
			p.below(prefix+"/local", append([]string{"share"}, p.machine.lib...), "perl", "perl5", "site_perl")...,
		)
	} else {
		lay.native = p.perlLibraries(prefix)
	}
	for _, dir := range lay.native {
		lay.modules = append(lay.modules, p.autoDirs(dir, 0)...)
	}
	return lay
}

// perlLibraries lists the libraries of a perl that has a directory of its own:
// those that hold strict.pm, and the places for further modules beside them.
func (p *program) perlLibraries(prefix string) (found []string) {
	if prefix == "" {
		return nil
	}
	known := false
	entries, _ := readDir(prefix + "/lib") // one that is not there has none
	for _, e := range entries {
		switch {
		case e.name == "perl5" || isDigit(e.name[0]):
			known = known || p.isPerl(prefix, "lib/"+e.name, 0)
		case e.name != "site_perl" && e.name != "vendor_perl":
			continue
		}
		found = append(found, p.below(prefix, []string{"lib"}, e.name)...)
	}
	if !known {
		return nil
	}
	return found
}

// isPerl looks for strict.pm: at the top, or below a version or core_perl.
func (p *program) isPerl(prefix, dir string, depth int) bool {
	if p.marked(prefix, dir+"/strict.pm") {
		return true
	}
	entries, _ := readDir(prefix + "/" + dir) // one that is not there has none
	for _, e := range entries {
		if e.dir && depth < 2 && (isDigit(e.name[0]) || e.name == "core_perl") && p.isPerl(prefix, dir+"/"+e.name, depth+1) {
			return true
		}
	}
	return false
}

// autoDirs finds the directories named auto: at the top (perl-base), or below
// those of a version and a machine.
func (p *program) autoDirs(dir string, depth int) (found []string) {
	if p.probes++; p.probes > maxProbes {
		return nil // the next library that is looked for ends the search
	}
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
func rubyLayout(p *program) (lay layout) {
	prefix := p.prefix()
	lay.native = p.below(prefix, p.machine.lib, "ruby")
	if isSystem(prefix) {
		lay.read = p.below(prefix, append([]string{"share"}, p.machine.lib...), "rubygems-integration")
	} else if !p.isRuby(prefix) {
		return layout{}
	}
	for _, dir := range lay.native {
		if strings.HasSuffix(filepath.Dir(dir), "-linux-gnu") {
			lay.modules = append(lay.modules, dir)
			continue
		}
		versions, _ := readDir(dir) // one that cannot be listed has none
		for _, v := range versions {
			lay.modules = append(lay.modules, dir+"/"+v.name+"/"+p.machine.name+"-linux")
		}
	}
	if isSystem(prefix) {
		lay.native = append(lay.native, p.below(prefix, []string{"local/lib"}, "site_ruby")...)
		lay.native = append(lay.native, "/var/lib/gems")
	}
	return lay
}

// isRuby looks for lib/ruby/3.3.0/rubygems.rb.
func (p *program) isRuby(prefix string) bool {
	if prefix == "" {
		return false
	}
	versions, _ := readDir(prefix + "/lib/ruby") // one that is not there has none
	for _, v := range versions {
		if isDigit(v.name[0]) && p.marked(prefix, "lib/ruby/"+v.name+"/rubygems.rb") {
			return true
		}
	}
	return false
}

// javaMarkers are what makes a directory the home of a Java virtual machine: of
// any kind since Java 9, and up to Java 8.
var javaMarkers = [][]string{
	{"lib/modules", "lib/server/libjvm.so"},
	{"lib/modules", "lib/client/libjvm.so"},
	{"lib/modules", "lib/minimal/libjvm.so"},
	{"lib/modules", "lib/zero/libjvm.so"},
	{"lib/rt.jar"},
	{"jre/lib/rt.jar"},
}

// javaLayout is the parts of the home of a Java virtual machine. Debian keeps its
// settings in /etc and links to them.
func javaLayout(p *program) layout {
	home := p.prefix()
	known := false
	for _, files := range javaMarkers {
		known = known || p.marked(home, files...)
	}
	if !known {
		return layout{}
	}
	lay := layout{
		read:   append(p.below(home, []string{""}, "conf", "legal", "jmods", "release"), "/etc/ssl/certs/java/cacerts"),
		native: p.below(home, []string{""}, "lib", "jre"),
	}
	lay.modules = lay.native
	entries, _ := readDir("/etc") // without /etc there are no settings in it
	for _, e := range entries {
		if strings.HasPrefix(e.name, "java-") {
			lay.read = append(lay.read, "/etc/"+e.name)
		}
	}
	return lay
}
