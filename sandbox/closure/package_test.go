package closure

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
