package closure

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A victim is somebody's files beside an unpacked package whose author wants to
// read them. The private directory holds whatever makes a directory look like an
// installation, so that only where it lies can tell.
type victim struct {
	root, pkg, home, private, secret string
}

// baits are the files that layouts look for.
var baits = []string{
	"secret", "os.py", "strict.pm", "rubygems.rb", "package.json", "gconv-modules", "modules", "rt.jar", "libjvm.so", "release",
	"lib/python3.99/os.py", "lib/perl5/5.99/strict.pm", "lib/modules", "lib/server/libjvm.so", "3.99/rubygems.rb", "5.99/strict.pm",
	"npm/package.json", "server/libjvm.so", "lib-dynload/secret.so", "auto/secret.so", "gconv/gconv-modules", "glibc-hwcaps/x/libx.so",
	"libgcc_s.so.1", "libnss_files.so.2", "libx.so", "secret.so", "lib/bash/secret", "python3.99/os.py", "node_modules/npm/package.json",
}

func newVictim(t testing.TB) victim {
	t.Helper()
	root := tempDir(t)
	v := victim{root, root + "/work/pkg", root + "/person", root + "/person/private", "a secret, and no ELF file\n"}
	for _, name := range baits {
		write(t, v.private+"/"+name, v.secret)
	}
	write(t, v.home+"/.ssh/id", v.secret)
	return v
}

// leak returns what a closure grants of the person's files, "" for nothing.
func (v victim) leak(c *Closure) string {
	if c == nil {
		return ""
	}
	for _, f := range c.Files {
		for _, secret := range []string{v.private, v.home + "/.ssh"} {
			if covers(secret, f.Path) || f.Tree && covers(f.Path, secret) {
				return fmt.Sprintf("%+v", f)
			}
		}
	}
	for _, o := range c.Own {
		if covers(v.private, o.Path) || covers(o.Path, v.private) {
			return fmt.Sprintf("%+v", o)
		}
	}
	return ""
}

// find returns the closure of a command that the person runs in a directory.
func (v victim) find(command ...string) (*Closure, error) {
	return Find(Request{Command: command, Env: environ("HOME="+v.home, "PATH=/usr/bin:/bin"), Dir: filepath.Dir(v.pkg)})
}

func link(t testing.TB, target, path string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(target, path)); err != nil {
		t.Fatal(err)
	}
}

// TestHostilePackage has a package for each way in which a program's name and
// what lies around it could grant what the package does not hold.
func TestHostilePackage(t *testing.T) {
	static := string(model{}.bytes())
	for name, test := range map[string]struct {
		program string            // in the package, unless absolute
		links   map[string]string // to a path in the private directory
		files   map[string]string
	}{
		"bash's modules are a link":       {"bin/bash", map[string]string{"lib/bash": ""}, nil},
		"perl's lib is a link":            {"bin/perl5", map[string]string{"lib": ""}, nil},
		"perl's version is a link":        {"bin/perl5", map[string]string{"lib/5.99": ""}, nil},
		"perl's site is a link":           {"bin/perl5", map[string]string{"lib/site_perl": ""}, map[string]string{"lib/5.99/strict.pm": ""}},
		"node's packages are a link":      {"bin/node", map[string]string{"lib/node_modules": "node_modules"}, nil},
		"ruby's lib is a link":            {"bin/ruby", map[string]string{"lib/ruby": ""}, nil},
		"ruby's lib64 is a link":          {"bin/ruby", map[string]string{"lib64": ""}, map[string]string{"lib/ruby/3.99/rubygems.rb": ""}},
		"java's lib is a link":            {"bin/java", map[string]string{"lib": "lib"}, nil},
		"java's settings are a link":      {"bin/java", map[string]string{"conf": "", "legal": "", "release": "secret"}, map[string]string{"lib/modules": "", "lib/server/libjvm.so": ""}},
		"python's library is a link":      {"bin/python3", map[string]string{"lib/python3.99": ""}, nil},
		"python's lib is a link":          {"bin/python3.99", map[string]string{"lib": "lib"}, nil},
		"python's lib64 is a link":        {"bin/python3.99", map[string]string{"lib64": "lib"}, map[string]string{"lib/python3.99/os.py": ""}},
		"the venv's lib is a link":        {"bin/python3", map[string]string{"lib": ""}, map[string]string{"pyvenv.cfg": "home = /usr/bin\n"}},
		"the venv's base is no python":    {"bin/python3", nil, map[string]string{"pyvenv.cfg": "home = ../../person/private/lib/..\n"}},
		"the venv's base is the home":     {"bin/python3", nil, map[string]string{"pyvenv.cfg": "home = ../../person/bin\n"}},
		"the venv's settings are a link":  {"bin/python3", map[string]string{"pyvenv.cfg": "secret"}, nil},
		"the venv is beside the program":  {"python3", map[string]string{"lib": ""}, map[string]string{"pyvenv.cfg": "home = /usr/bin\n"}},
		"a home is no home of java":       {"../../person/bin/java", nil, nil},
		"a home is none even with marks":  {"../../person/bin/java", nil, map[string]string{"../../person/lib/modules": "", "../../person/lib/server/libjvm.so": ""}},
		"a program in no bin":             {"java", nil, map[string]string{"../lib/modules": "", "../lib/server/libjvm.so": ""}},
		"the work is no home of java":     {"../bin/java", nil, map[string]string{"../lib/modules": ""}},
		"the root of all":                 {"../../java", nil, nil},
		"a link to the parent of private": {"bin/perl5", map[string]string{"lib/perl5": ".."}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t)
			for path, target := range test.links {
				link(t, filepath.Join(v.private, target), v.pkg+"/"+path)
			}
			for path, text := range test.files {
				write(t, v.pkg+"/"+path, text)
			}
			program := write(t, filepath.Clean(v.pkg+"/"+test.program), static)
			c, err := v.find(program)
			if err != nil {
				t.Fatal(err)
			}
			if leak := v.leak(c); leak != "" {
				t.Errorf("Find grants %s", leak)
			}
			// A child's home is unknown: what is unpacked into it may be read there.
			if c, err = OfExecutable(program); err != nil || v.leak(c) != "" {
				t.Errorf("OfExecutable grants %s, %v", v.leak(c), err)
			}
		})
	}
}

// TestHostileLines has a case for each way in which what the author wrote into a
// file could name another that is read.
func TestHostileLines(t *testing.T) {
	v := newVictim(t)
	secret := v.private + "/secret"
	need(t, "perl")
	need(t, "python3")
	loader := write(t, v.pkg+"/ld.so", string(model{}.bytes()))
	write(t, v.pkg+"/n.js", "")
	write(t, v.pkg+"/bin/node", string(model{}.bytes()))
	write(t, v.pkg+"/lib/node_modules/npm/package.json", "")
	if err := os.Chmod(secret, 0o600); err != nil {
		t.Fatal(err)
	}
	refused, granted := true, false
	for name, test := range map[string]struct {
		text  string
		fails bool
	}{
		"ELF interpreter":          {string(model{interp: secret}.bytes()), refused},
		"ELF interpreter by link":  {string(model{interp: v.pkg + "/link"}.bytes()), refused},
		"needed":                   {string(model{interp: loader, needed: []string{secret, "secret", "../../person/private/secret"}}.bytes()), granted},
		"needed by run path":       {string(model{interp: loader, needed: []string{"secret"}, runpath: "$ORIGIN/../../person/private:" + v.private}.bytes()), granted},
		"needed by old run path":   {string(model{interp: loader, needed: []string{"secret", "link"}, rpath: v.private + ":$ORIGIN"}.bytes()), granted},
		"#! interpreter":           {"#!" + secret + "\n", refused},
		"#! interpreter, linked":   {"#!" + v.pkg + "/link x\n", refused},
		"#! argument":              {"#!/usr/bin/perl " + secret + "\n", granted},
		"#! of sh":                 {"#!/bin/sh " + secret + "\n", granted},
		"env and an option":        {"#!/usr/bin/env -S " + v.pkg + "/bin/node --test-shard " + secret + " " + v.pkg + "/n.js\n", granted},
		"env and a value":          {"#!/usr/bin/env -S python3 -W ignore " + secret + "\n", granted},
		"env and a program":        {"#!/usr/bin/env " + secret + "\n", refused},
		"env, twice":               {"#!/usr/bin/env -S /usr/bin/env -S sh " + secret + "\n", granted},
		"env without a home":       {"#!/usr/bin/env -S -u HOME " + v.home + "/bin/java\n", granted},
		"env with another home":    {"#!/usr/bin/env -S HOME=/none " + v.home + "/bin/java\n", granted},
		"env without anything":     {"#!/usr/bin/env -S -i " + v.home + "/bin/java\n", granted},
		"env and a library path":   {"#!/usr/bin/env -S LD_LIBRARY_PATH=" + v.private + " sh\n", granted},
		"a script between":         {"#!" + v.pkg + "/between\n", granted},
		"a preloaded library":      {"#!/usr/bin/env -S LD_PRELOAD=" + secret + " sh\n", granted},
		"what is no program names": {string(model{interp: loader, needed: []string{"libc.so.6"}, runpath: "$ORIGIN/c"}.bytes()), granted},
		"musl's list":              {string(model{interp: v.pkg + "/musl/lib/ld-musl-" + native.name + ".so.1"}.bytes()), granted},
	} {
		for path, target := range map[string]string{
			"link": secret, "c/libgcc_s.so.1": secret, "c/gconv": v.private, "c/libnss_files.so.2": secret,
			"musl/etc/ld-musl-" + native.name + ".path": secret,
		} {
			if _, err := os.Lstat(v.pkg + "/" + path); err != nil {
				link(t, target, v.pkg+"/"+path)
			}
		}
		write(t, v.pkg+"/c/libc.so.6", string(model{}.bytes()))
		write(t, v.pkg+"/musl/lib/ld-musl-"+native.name+".so.1", string(model{}.bytes()))
		write(t, v.pkg+"/between", "#!/usr/bin/perl "+secret+"\n")
		write(t, v.home+"/bin/java", string(model{}.bytes()))
		write(t, v.home+"/lib/modules", "")
		write(t, v.home+"/lib/server/libjvm.so", "")
		program := write(t, v.pkg+"/program", test.text)
		c, err := v.find(program)
		if (err != nil) != test.fails {
			t.Errorf("%s: error %v", name, err)
		}
		if err != nil {
			continue
		}
		if leak := v.leak(c); leak != "" {
			t.Errorf("%s grants %s", name, leak)
		}
		for _, f := range c.Files {
			if covers(v.home+"/lib", f.Path) {
				t.Errorf("%s takes the home for an installation: %+v", name, f)
			}
		}
	}
}

// TestUnknownOption grants nothing where the script cannot be told, and says so.
func TestUnknownOption(t *testing.T) {
	v := newVictim(t)
	secret := v.private + "/secret"
	installations(t, v.pkg)
	const told, silent = true, false
	for args, warns := range map[string]bool{
		"node --new-option %s x.js": told, "node --stack-size %s x.js": told, "node -z %s": told, "node --test-shard %s x.js": silent,
		"python3 --new %s x.py": told, "python3 -J %s": told, "perl5 --new %s": told, "perl5 -wz %s": told, "perl5 -ne %s": silent,
		"perl5 -lne %s": silent, "ruby --new %s": told, "ruby -z %s": told, "java -new %s -jar x": told, "java %s": silent,
		"/bin/bash --new %s": told, "/bin/bash -z %s": told, "/bin/bash -oe %s": silent, "/bin/sh -zz %s": told,
		// Known by nothing but the name.
		"bash %s": told, "sh %s": told, "../node %s": told, "../perl %s": told, "../python3 %s": told, "../java -jar %s": told, "node": silent,
	} {
		words := strings.Fields(strings.ReplaceAll(args, "%s", secret))
		if !filepath.IsAbs(words[0]) {
			words[0] = write(t, filepath.Clean(v.pkg+"/bin/"+words[0]), string(model{}.bytes()))
		}
		c, err := v.find(words...)
		if err != nil {
			t.Errorf("%s: %v", args, err)
			continue
		}
		if c.Script != "" || v.leak(c) != "" {
			t.Errorf("%s: script %q, grants %s", args, c.Script, v.leak(c))
		}
		if warned := strings.Contains(strings.Join(c.Warnings, "\n"), "Add --allow-fs-read=FILE"); warned != warns {
			t.Errorf("%s: warnings %q", args, c.Warnings)
		}
	}
}
