package closure

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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
	loader := write(t, v.pkg+"/ld.so", string(model{}.bytes()))
	write(t, v.pkg+"/n.js", "")
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
		"env and an option":        {"#!/usr/bin/env -S node --test-shard " + secret + " " + v.pkg + "/n.js\n", granted},
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
		if test.fails == granted && strings.Contains(test.text, "node ") {
			need(t, "node")
		}
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

// installations makes those of every interpreter, into one directory, and returns
// what must be granted of them.
func installations(t testing.TB, dir string) map[string][]string {
	t.Helper()
	for _, path := range []string{
		"lib/python3.99/os.py", "lib/perl5/5.99/strict.pm", "lib/perl5/site_perl/X.pm", "lib/site_perl/X.pm", "lib/ruby/3.99/rubygems.rb",
		"lib/node_modules/npm/package.json", "lib/modules", "lib/server/libjvm.so", "conf/x", "legal/x", "release", "other",
	} {
		write(t, dir+"/"+path, "")
	}
	return map[string][]string{
		"python3": {"lib/python3.99"}, "python3.99": {"lib/python3.99"}, "perl5": {"lib/perl5", "lib/site_perl"}, "ruby": {"lib/ruby"},
		"node": {"lib/node_modules"}, "java": {"lib", "conf", "legal", "release"}, "python3.9": nil, "bash": nil, "sh": nil, "tool": nil,
	}
}

// TestInstallations grants what an installation in an unusual place is made of,
// and the script; without its marks, neither.
func TestInstallations(t *testing.T) {
	dir := tempDir(t)
	script := write(t, dir+"/x.java", "")
	parts := func(path string, home string) (got []string, ran string) {
		t.Helper()
		c, err := Find(Request{Command: []string{path, script}, Env: environ("HOME=" + home), Dir: "/"})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range c.Files {
			if rest, ok := strings.CutPrefix(f.Path, dir+"/opt/x/"); ok && f.Path != path {
				got = append(got, rest)
			}
		}
		return got, c.Script
	}
	for name, want := range installations(t, dir+"/opt/x") {
		path := write(t, dir+"/opt/x/bin/"+name, string(model{}.bytes()))
		got, ran := parts(path, "/nobody")
		slices.Sort(want)
		if !slices.Equal(got, want) || (ran == script) != (want != nil) {
			t.Errorf("%s: %q and the script %q, want %q", name, got, ran, want)
		}
		for _, home := range []string{dir + "/opt/x", dir + "/opt/x/me"} {
			if got, ran = parts(path, home); got != nil || ran != "" {
				t.Errorf("%s in the home %s: %q, %q", name, home, got, ran)
			}
		}
		path = write(t, dir+"/opt/x/tools/"+name, string(model{}.bytes()))
		if got, ran = parts(path, "/nobody"); got != nil || ran != "" {
			t.Errorf("%s in no bin: %q, %q", name, got, ran)
		}
	}
}

// TestShared has the directories that are nobody's installation.
func TestShared(t *testing.T) {
	l := newLoader(environ("HOME=/work/people/me"), "/")
	for dir, want := range map[string]bool{
		"/": true, "/tmp": true, "/root": true, "/etc": true, "/etc/x": true, "/home": true, "/home/me": true, "/proc/1/root": true,
		"/run/user/1": true, "/var": true, "/var/lib": true, "/opt": true, "/work": true, "/work/people": true, "/sys": true, "/dev/shm": true,
		"/home/me/.pyenv/versions/3": false, "/opt/jdk": false, "/root/.pyenv/versions/3": false, "/venv": false, "/var/lang": false, "/etcetera": false,
	} {
		if got := l.isShared(dir); got != want {
			t.Errorf("%s: %v", dir, got)
		}
	}
	l = newLoader(environ("HOME=/"), "/")
	if l.isShared("/opt/jdk") {
		t.Error("the root as a home forbids every installation")
	}
}

// TestNoPackageReads makes packages at random: any layout, with links to the
// private directory and what is around it in any place, run in any way.
func TestNoPackageReads(t *testing.T) {
	v := newVictim(t)
	found := map[string]int{}
	for seed := range uint64(1500) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), victim: v}
		command := g.pack(t)
		c, err := v.find(command...)
		if err != nil {
			found["refused"]++
			continue
		}
		found[c.Interpreter]++
		if leak := v.leak(c); leak != "" {
			t.Errorf("seed %d: %q grants %s", seed, command, leak)
		}
		if child, err := OfExecutable(c.Program); err == nil && v.leak(child) != "" {
			t.Errorf("seed %d: %q as a child grants %s", seed, command, v.leak(child))
		}
	}
	for _, name := range []string{"python", "node", "perl", "ruby", "bash", "sh", "java", "", "refused"} {
		if found[name] < 10 {
			t.Errorf("%d packages of kind %q only: %v", found[name], name, found)
		}
	}
}

// A generator makes hostile packages. It writes through an os.Root, so that the
// links that it made earlier never lead it out.
type generator struct {
	*rand.Rand
	victim
	inside *os.Root
}

func (g *generator) one(list ...string) string { return list[g.IntN(len(list))] }

// places are what a layout looks at.
var places = []string{
	"lib", "lib64", "share", "conf", "legal", "jre", "jmods", "release", "pyvenv.cfg", "gconv", "libgcc_s.so.1", "libnss_files.so.2", "etc",
	"lib/bash", "lib/perl5", "lib/perl5/5.99", "lib/5.99", "lib/site_perl", "lib/5.99/strict.pm", "lib/perl5/strict.pm",
	"lib/python3.99", "lib64/python3.99", "lib/python3.99/os.py", "lib/python3.99/lib-dynload", "lib/python3.99/lib-dynload/x.so",
	"lib/ruby", "lib/ruby/3.99", "lib/ruby/3.99/rubygems.rb", "lib/node_modules", "lib/node_modules/npm", "lib/node_modules/npm/package.json",
	"lib/modules", "lib/server", "lib/server/libjvm.so", "lib/rt.jar", "jre/lib/rt.jar", "lib/glibc-hwcaps", "lib/libx.so", "libx.so",
	"libc.so.6", "lib/libc.so.6", "lib/gconv", "lib/gconv/gconv-modules", "lib/libgcc_s.so.1", "etc/ld-musl-x86_64.path",
}

// put writes a program or library if nothing else is in its place.
func (g *generator) put(path, text string) bool {
	return g.inside.MkdirAll(filepath.Dir(path), 0o755) == nil && g.inside.WriteFile(path, []byte(text), 0o755) == nil
}

// pack makes a package anew, and returns the command that runs it.
func (g *generator) pack(t *testing.T) []string {
	t.Helper()
	if err := errors.Join(os.RemoveAll(g.pkg), os.MkdirAll(g.pkg, 0o755)); err != nil {
		t.Fatal(err)
	}
	var err error
	if g.inside, err = os.OpenRoot(g.pkg); err != nil {
		t.Fatal(err)
	}
	defer g.inside.Close()
	secrets := []string{g.private, g.private + "/secret", g.private + "/lib", g.private + "/..", g.root, "/", "../../person/private", "../../../person/private"}
	library := string(model{needed: []string{"secret", "libx.so"}, runpath: g.private}.bytes())
	for _, i := range g.Perm(len(places))[:15] {
		path := places[i]
		if g.inside.MkdirAll(filepath.Dir(path), 0o755) != nil {
			continue // below a link, or below a file
		}
		switch {
		case g.IntN(2) == 0:
			bait := g.private + "/" + g.one(baits...)
			_ = g.inside.Symlink(g.one(append(secrets, bait, filepath.Dir(bait))...), path) // what is there stays
		case filepath.Ext(path) == ".cfg":
			g.put(path, "home = "+g.one("/usr/bin", g.private, g.private+"/lib", g.home+"/bin", "bin", "../../person/private/lib")+"\n")
		case strings.Contains(filepath.Base(path), "."):
			g.put(path, library)
		default:
			_ = g.inside.MkdirAll(path, 0o755) // what is there stays
		}
	}
	return g.command(secrets)
}

// command adds the program, and perhaps a script that runs it.
func (g *generator) command(secrets []string) []string {
	m := model{needed: []string{g.one("secret", "libx.so", "libc.so.6"), g.one(secrets...), g.one("libc.so.6", "libjli.so")}}
	m.runpath = g.one("", "$ORIGIN/../lib", "$ORIGIN", g.private, "$ORIGIN/../../../person/private", g.pkg)
	m.interp = g.one("", g.pkg+"/bin/ld.so", g.pkg+"/bin/ld.so", g.pkg+"/bin/ld.so", g.pkg+"/bin/ld-musl-x86_64.so.1", native.interp, g.one(secrets...))
	g.put("bin/ld.so", string(m.bytes()))
	g.put("bin/ld-musl-x86_64.so.1", string(m.bytes()))
	name := g.one("bash", "perl5", "python3", "python3.99", "node", "ruby", "java", "javac", "sh", "tool")
	program := g.one("bin/", "bin/", "bin/", "", "jre/bin/", "lib/") + name
	if !g.put(program, string(m.bytes())) {
		program = "bin/" + name
		g.put(program, string(m.bytes()))
	}
	program = g.pkg + "/" + program
	interp := g.one(program, program, "/bin/sh", "/usr/bin/perl", "/usr/bin/python3", g.private+"/secret")
	words := g.one("", "-x", "-W", "--new", "-e", "-I"+g.private) + " " + g.one(secrets...)
	change := g.one("", "-i ", "-u HOME ", "HOME=/ ", "LD_LIBRARY_PATH="+g.private+" ", "LD_PRELOAD="+g.private+"/secret ")
	switch g.IntN(4) {
	case 0:
		g.put("script", "#!"+interp+" "+g.one(secrets...)+"\n")
		program = g.pkg + "/script"
	case 1:
		g.put("script", "#!/usr/bin/env -S "+change+interp+" "+words+"\n")
		program = g.pkg + "/script"
	}
	return []string{program, "word"}
}
