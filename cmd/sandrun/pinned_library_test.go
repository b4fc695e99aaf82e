//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// library builds a shared library that says mark when it is loaded.
func library(t *testing.T, dir, name, mark string, flags ...string) {
	t.Helper()
	source := dir + "/" + name + ".c"
	must(t, os.WriteFile(source, fmt.Appendf(nil, `#include <stdio.h>
__attribute__((constructor)) static void loaded(void) { puts(%q); fflush(stdout); }
int answer(void) { return 42; }
`, mark), 0o644))
	out, err := exec.Command("gcc", append([]string{"-shared", "-fPIC", "-o", dir + "/" + name, source}, flags...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	must(t, os.Remove(source))
}

// TestPinnedLibraries: a listed library is loaded from its verified copy, once, and
// finds its neighbours; another content is not loaded.
func TestPinnedLibraries(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		p := newPinned(t, u, nil)
		library(t, p.dir, "libdep.so", "dep")
		library(t, p.dir, "libone.so", "one", "-Wl,--no-as-needed", "-L"+p.dir, "-l:libdep.so", "-Wl,-rpath,$ORIGIN")
		library(t, p.dir, "other.so", "EVIL")
		must(t, os.Symlink("libone.so", p.dir+"/link.so"))
		for _, name := range []string{"libone.so", "libdep.so"} {
			data, err := os.ReadFile(p.dir + "/" + name)
			must(t, err)
			p.resources["./"+name] = sri(t, "sha384", string(data))
		}
		must(t, chownAll(u, p.dir))
		const load = `import ctypes, sys
a = [ctypes.CDLL(x) for x in sys.argv[1:]]
assert all(x.answer() == 42 for x in a)
print(len({x._handle for x in a}), sum("libone" in l and "x" in l.split()[1] for l in open("/proc/self/maps")))`
		for _, addons := range []string{`["./lib*", "/usr/lib/python3*", "@system"]`, "true"} {
			p.permits = `"allow-fs-read": ["./", "@system", "/proc/self"], "allow-addons": ` + addons
			r := p.run(t, "/usr/bin/python3", "-c", load, "./libone.so", p.dir+"/libone.so", "./link.so")
			if r.status != 0 || strings.Count(r.out, "dep\n") != 1 {
				t.Errorf("addons %s: status %d: %s%s", addons, r.status, r.out, r.err)
			}
			t.Logf("%q", r.out)
			for _, name := range []string{"libone.so", "libdep.so"} {
				good, err := os.ReadFile(p.dir + "/" + name)
				must(t, err)
				evil, err := os.ReadFile(p.dir + "/other.so")
				must(t, err)
				must(t, replaced(name, string(evil))(p.dir))
				r := p.run(t, "/usr/bin/python3", "-c", load, "./libone.so")
				if r.status == 0 || strings.Contains(r.out, "EVIL") || !strings.Contains(r.err, code) {
					t.Errorf("addons %s: %s: status %d: %s%s", addons, name, r.status, r.out, r.err)
				}
				must(t, replaced(name, string(good))(p.dir))
				must(t, chownAll(u, p.dir))
			}
		}
		// A file that only its listing grants nothing to is not mapped.
		p.permits = `"allow-fs-read": ["./", "@system"]`
		if r := p.run(t, "/usr/bin/python3", "-c", load, "./libone.so"); r.status == 0 || strings.Contains(r.out, "one") {
			t.Errorf("without addons: status %d: %s%s", r.status, r.out, r.err)
		}
		// The loader finds the libraries of a program that needs them.
		p.permits = `"allow-fs-read": ["./", "@system"], "allow-addons": ["./lib*"]`
		gcc := exec.Command("gcc", "-o", p.dir+"/main", "-x", "c", "-", "-Wl,--no-as-needed", "-L"+p.dir, "-Wl,-rpath,"+p.dir, "-l:libone.so")
		gcc.Stdin = strings.NewReader("int main(void) { return 0; }")
		if out, err := gcc.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		must(t, chownAll(u, p.dir))
		if r := p.run(t, "./main"); r.status != 0 || r.out != "dep\none\n" {
			t.Errorf("status %d: %s%s", r.status, r.out, r.err)
		}
		must(t, os.Rename(p.dir+"/other.so", p.dir+"/libdep.so"))
		if r := p.run(t, "./main"); r.status == 0 || strings.Contains(r.out, "EVIL") || !strings.Contains(r.err, code) {
			t.Errorf("status %d: %s%s", r.status, r.out, r.err)
		}
	})
}
