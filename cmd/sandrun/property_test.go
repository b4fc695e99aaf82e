//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A world is a small tree of files with links in and out of it.
type world struct {
	root  string
	paths []string // what is asked about, some of it missing
}

// newWorld makes directories, files, symbolic links inside, outside, dangling and
// in chains, and names that begin alike.
func newWorld(t *testing.T, u user) world {
	t.Helper()
	root, err := os.MkdirTemp("", "sandrun-world-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	w := world{root: root}
	for _, f := range []string{
		"a/f", "a/fo", "a/foo", "a/foo2", "a/foo/", "a/d/f", "a/d/e/f.js", "a/d/e/f.txt", "a/,/f", "a/x*y", "a/sp ace",
		"b/f", "b/d/f", "b/.hidden", "ab/f", "out/secret",
	} {
		full := filepath.Join(root, f)
		if strings.HasSuffix(f, "/") {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		w.paths = append(w.paths, f, filepath.Dir(f))
	}
	for name, target := range map[string]string{
		"a/in": "d/f", "a/outside": "../out/secret", "a/absolute": root + "/out/secret", "a/dirlink": "../b", "a/dangling": "../b/none",
		"a/up": "dirlink/../none", "a/chain": "outside", "a/loop": "loop", "b/back": "../a", "a/foolink": "../out/secret",
	} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
		w.paths = append(w.paths, name)
	}
	w.paths = append(w.paths, "a/new", "a/d/new", "a/foonew", "b/new", "missing", "missing/f", "a/dirlink/f", "a/dirlink/new",
		"later/f", "later/d/f.js", "later/d", "later/new", "a/soon", "a/foosoon", "a/d/soon.js",
		"/proc/self/status", "/proc/thread-self/comm", "/proc/self/fd", "/dev/fd", "/proc/meminfo", "/proc/sys/kernel/osrelease", "/proc/1/comm", "/proc/self/task",
		"b/back/d/e/f.js", "a/../b/f", "a/d/../../out/secret", "a/dirlink/../out/secret", "a/dirlink/../f", "a/dirlink/d/../../a/f", "a/up", ".")
	err = filepath.Walk(root, func(path string, _ os.FileInfo, err error) error {
		if err == nil {
			own(t, u, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// patterns are what random policies are made of; ROOT is the world.
var patterns = []string{
	"ROOT/a", "ROOT/a/", "ROOT/a/d", "ROOT/a/f", "ROOT/a/foo", "ROOT/a/foo*", "ROOT/a/f*", "ROOT/a/d*", "ROOT/b", "ROOT/b/*", "ROOT/out/secret",
	"ROOT/a/outside", "ROOT/a/dirlink", "ROOT/a/dangling", "ROOT/a/new", "ROOT/a/d/new", "ROOT/missing", "ROOT/missing/", "ROOT/missing*",
	"glob:ROOT/a/*.js", "glob:ROOT/**/*.js", "glob:ROOT/a/d/**", "glob:ROOT/a/fo?", "glob:ROOT/a/{f\\,fo}", "ROOT/a/x*y", "glob:ROOT/a/x\\*y",
	"ROOT/later", "ROOT/later/", "ROOT/later/f", "ROOT/later/d*", "ROOT/lat*", "glob:ROOT/later/**", "glob:ROOT/l*/f", "glob:ROOT/**/soon*", "ROOT/a/soon",
	"/proc/self", "/proc/self/status", "/proc/thread-self", "/dev/fd", "/proc/meminfo", "/proc/sys*", "glob:/proc/self/*", "/proc/self/f*", "/proc/sys/kernel/osrelease",
	"ROOT/a/\\,", "ROOT", "ROOT/", "ROOT*", "a", "./b", "a/foo*", "../", ".", "*", "@cwd", "@tmp", "/", "ROOT/a/loopx*", "ROOT/ab", "ROOT/a/sp ace",
}

// TestCheckEqualsEnforcement draws policies and paths at random, asks check, tries
// the operation under sandrun, and compares. What check says "not yet" of counts
// as denied.
func TestCheckEqualsEnforcement(t *testing.T) {
	rounds := 150
	if testing.Short() {
		rounds = 20
	}
	asEach(t, func(t *testing.T, u user, _ string) {
		w := newWorld(t, u)
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 1))
		asked, grantedOnce, deniedOnce := 0, 0, 0
		for range rounds {
			flags := []string{"--no-create"}
			for range r.IntN(4) {
				scope, pattern := []string{"read", "write"}[r.IntN(2)], patterns[r.IntN(len(patterns))]
				if strings.Contains(pattern, "/proc") || strings.HasPrefix(pattern, "/dev") { // as root only with --tolerate
					scope = "read"
				}
				flags = append(flags, "--allow-fs-"+scope+"="+strings.ReplaceAll(pattern, "ROOT", w.root))
			}
			for range 6 {
				path := w.paths[r.IntN(len(w.paths))]
				if !filepath.IsAbs(path) && r.IntN(2) == 0 {
					path = w.root + "/" + path
				}
				scope := []string{"fs.read", "fs.write"}[r.IntN(2)]
				says, ok := ask(t, u, w.root, flags, scope, path)
				if !ok { // a path that no kernel resolves: nothing to compare
					continue
				}
				does, ok := w.try(t, u, flags, scope, path)
				if !ok {
					continue
				}
				asked++
				if says {
					grantedOnce++
				} else {
					deniedOnce++
				}
				if says != does {
					t.Errorf("seed %d: %q %s %s: check says %v, the kernel %v", seed, flags, scope, path, says, does)
				}
			}
			if t.Failed() {
				return
			}
		}
		if grantedOnce < asked/20 || deniedOnce < asked/20 {
			t.Errorf("of %d questions %d were granted and %d denied: the draw shows nothing", asked, grantedOnce, deniedOnce)
		}
	})
}

// ask asks check whether the probe may do something now.
func ask(t *testing.T, u user, dir string, flags []string, scope, path string) (granted, ok bool) {
	t.Helper()
	args := append([]string{sandrun, "check", "--json"}, flags...)
	r := finish(t, command(u, dir, append(args, scope, path, "--", fileops)...))
	if r.status == 2 && strings.Contains(r.err, "too many levels of symbolic links") {
		return false, false
	}
	var a struct {
		Granted bool
		Held    string
	}
	if err := json.Unmarshal([]byte(r.out), &a); err != nil {
		t.Fatalf("check %v %s %s: %v: %s%s", flags, scope, path, err, r.out, r.err)
	}
	if (r.status == 0) != a.Granted {
		t.Errorf("check %v %s %s: status %d and granted %v", flags, scope, path, r.status, a.Granted)
	}
	return a.Granted && a.Held == heldNow, true
}

// try opens a path under sandrun, for writing with O_CREAT, after some files have
// been made that were not there at launch. The kernel says that something is missing
// or a directory before it asks about permission: such an answer compares with nothing.
func (w world) try(t *testing.T, u user, flags []string, scope, path string) (allowed, ok bool) {
	t.Helper()
	name := strings.ReplaceAll(path, " ", "%S")
	calls := "open " + name + " O_RDONLY|O_NONBLOCK"
	if scope == "fs.write" {
		calls = "open " + name + " O_WRONLY|O_CREAT|O_NONBLOCK 0644"
		full := path
		if !filepath.IsAbs(full) {
			full = filepath.Join(w.root, path)
		}
		if _, err := os.Stat(full); err != nil {
			defer os.Remove(resolved(full))
		}
	}
	o := startOperator(t, command(u, w.root, slices.Concat([]string{sandrun, "--quiet"}, flags, []string{"--", fileops})...))
	defer o.stop()
	w.grow(t, u)
	defer w.shrink(t)
	answer, answered := o.ask("x\t" + w.root + "\t" + calls)
	switch {
	case !answered:
	case answer == "EACCES" || answer == "EPERM":
		return false, true
	case answer == "ENOENT" || answer == "EISDIR" || answer == "ENOTDIR" || answer == "ELOOP":
		return false, false
	case answer == "3":
		return true, true
	}
	t.Fatalf("%q %s: %s", flags, calls, answer)
	return false, false
}

// grown is what appears after the launch.
var grown = []string{"later/f", "later/d/f.js", "a/soon", "a/foosoon", "a/d/soon.js"}

func (w world) grow(t *testing.T, u user) {
	t.Helper()
	for _, dir := range []string{"later", "later/d"} {
		must(t, os.Mkdir(w.root+"/"+dir, 0o755))
		own(t, u, w.root+"/"+dir)
	}
	for _, name := range grown {
		write(t, u, w.root+"/"+name, "x", 0o644)
	}
}

func (w world) shrink(t *testing.T) {
	t.Helper()
	for _, name := range append([]string{"later"}, grown...) {
		must(t, os.RemoveAll(w.root+"/"+name))
	}
}

// resolved is what an open of a path that dangles would make.
func resolved(path string) string {
	if target, err := os.Readlink(path); err == nil {
		return filepath.Join(filepath.Dir(path), target)
	}
	return path
}

// TestFewerFlagsNeverAllowMore removes flags one by one.
func TestFewerFlagsNeverAllowMore(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		all := everything(dir)
		for _, op := range operations {
			if op.scope == "net" { // needs a listener; its socket rows are enough
				continue
			}
			for i := range all {
				flags := append(append([]string{}, all[:i]...), all[i+1:]...)
				scene := scene(t, u)
				args := strings.Fields(strings.NewReplacer("DIR", scene, "PORT", "1").Replace(op.args))
				c := command(u, scene, append(append([]string{sandrun}, flags...), append([]string{"--", probe}, args...)...)...)
				c.Env = append(c.Env, "SECRET=1")
				with := fmt.Sprint(outcomeOf(finish(t, c)))
				if strings.Contains(all[i], flagOf(op)) && with == "ok" {
					t.Errorf("%s works without %s", op.name, all[i])
				}
			}
		}
	})
}

// flagOf is the name of the flag that governs an operation.
func flagOf(op operation) string {
	name, _, _ := strings.Cut(op.flag, "=")
	return name
}
