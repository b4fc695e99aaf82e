//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A racecourse is a directory with g, which is granted by a prefix and made in the
// sandbox (so that every open of something in it is made on behalf), r, which may be
// read, and s, the secret.
type racecourse struct {
	dir, secret string
	flip        string // how a process outside exchanges g/c; "" if none does
}

func newRacecourse(t *testing.T, u user, dir string) racecourse {
	t.Helper()
	write(t, u, dir+"/r/file", "R", 0o644)
	write(t, u, dir+"/s/file", "S", 0o644)
	for _, d := range []string{dir + "/s/gone", dir + "/s/c"} {
		must(t, os.Mkdir(d, 0o755))
		own(t, u, d)
	}
	write(t, u, dir+"/s/c/file", "S", 0o644)
	return racecourse{dir: dir, secret: treeOf(t, dir+"/s")}
}

// tries is how often each race is run. The full measure, which takes ten minutes:
//
//	go test ./cmd/sandrun -run TestRaceOf -timeout 30m -tries 100000
var tries = flag.Int("tries", 5_000, "how often each race is run")

// run races one operation, and fails the test if anything leaked or if the outcome
// shows that the two sides never met.
func (c racecourse) run(t *testing.T, u user, operation string) {
	t.Helper()
	const atOnce = 20_000 // a launch has a minute
	start := time.Now()
	var all lap
	untilMet(t, func() bool {
		for n := 0; n < *tries; n += atOnce {
			l := c.lap(t, u, operation, min(atOnce, *tries-n))
			all = lap{all.tries + l.tries, all.granted + l.granted, all.refused + l.refused, all.odd + l.odd, all.leaked + l.leaked}
		}
		enough := 1 + *tries/2000
		return all.granted >= enough && all.refused >= enough
	})
	t.Logf("%+v in %v", all, time.Since(start).Round(time.Millisecond))
	if all.leaked > 0 {
		t.Errorf("%d of %d tries got through to what is not granted", all.leaked, all.tries)
	}
	if after := treeOf(t, c.dir+"/s"); after != c.secret {
		t.Errorf("what is not granted has changed:\n%s", difference(c.secret, after))
	}
}

// untilMet runs laps of a race until both sides have met, and fails the test if they
// never do: where processors are few, one side may get none for a whole lap.
func untilMet(t *testing.T, met func() bool) {
	t.Helper()
	for range 20 {
		if met() || t.Failed() {
			return
		}
	}
	t.Error("the two sides never met")
}

// A lap is what one launch of the racer counted.
type lap struct{ tries, granted, refused, odd, leaked int }

func (c racecourse) lap(t *testing.T, u user, operation string, tries int) (l lap) {
	t.Helper()
	must(t, errors.Join(os.RemoveAll(c.dir+"/g"), os.RemoveAll(c.dir+"/t"), os.Mkdir(c.dir+"/t", 0o755)))
	own(t, u, c.dir+"/t")
	if c.flip != "" {
		flipper := command(u, c.dir, racer, "flip", c.flip, c.dir)
		must(t, flipper.Start())
		defer func() { _ = flipper.Process.Kill(); _ = flipper.Wait() }()
	}
	r := sandboxed(t, u, c.dir, []string{
		"--quiet", "--allow-worker", "--allow-fs-read=" + c.dir + "/g*", "--allow-fs-write=" + c.dir + "/g*",
		"--allow-fs-read=" + c.dir + "/r*", "--allow-fs-read=/proc/self",
	}, racer, operation, c.dir, strconv.Itoa(tries))
	_, err := fmt.Sscanf(r.out, "tries %d granted %d refused %d odd %d leaked %d", &l.tries, &l.granted, &l.refused, &l.odd, &l.leaked)
	if err != nil || l.tries != tries {
		t.Fatalf("status %d: %s%s", r.status, r.out, r.err)
	}
	return l
}

// racingUser is an ordinary one where there is one. Root has no capability here,
// and would only do the same again.
func racingUser() user { all := users(); return all[len(all)-1] }

// TestRaceOfArguments rewrites, from a second thread, what a pending call points to
// or starts from: the path, open_how, a descriptor, the working directory.
func TestRaceOfArguments(t *testing.T) {
	for _, operation := range []string{
		"open", "openat2", "write", "truncopen", "create", "creat2", "tmpfile", "flags", "neither", "mode", "mkdir", "rmdir", "unlink",
		"symlink", "mknod", "truncate", "renameto", "renamefrom", "exchange", "linkto", "linkfrom", "dirfd", "procfd", "cwd", "cwdmkdir", "dirfdrename",
	} {
		t.Run(operation, func(t *testing.T) {
			u := racingUser()
			newRacecourse(t, u, racingDir(t, u)).run(t, u, operation)
		})
	}
}

// TestRaceOfFiles exchanges, from a process outside, a component of the path for a
// symbolic link to the secret.
func TestRaceOfFiles(t *testing.T) {
	for kind, operations := range map[string][]string{
		"d": {"copen", "copenat2", "cwrite", "ctruncate", "ccreate", "cmkdir", "cunlink", "crenameto", "crenamefrom", "clinkto", "clinkfrom", "csymlink"},
		"f": {"fopen", "fopenat2", "fwrite", "ftruncate", "ftruncopen"},
	} {
		for _, way := range []string{"exchange", "unlink"} {
			for _, operation := range operations {
				t.Run(way+"/"+operation, func(t *testing.T) {
					u := racingUser()
					dir := racingDir(t, u)
					course := newRacecourse(t, u, dir)
					course.flip = kind + way
					course.run(t, u, operation)
				})
			}
		}
	}
}

// TestRaceOfDevices exchanges a granted file for a device node, which only the
// descriptor of what was opened can tell.
func TestRaceOfDevices(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root makes device nodes")
	}
	for _, operation := range []string{"fopen", "fopenat2"} {
		u := racingUser()
		dir := racingDir(t, u)
		course := newRacecourse(t, u, dir)
		stop := swapper(t, func() {
			if _, err := os.Stat(dir + "/g/ready"); err != nil {
				time.Sleep(time.Millisecond)
				return
			}
			if unix.Mknod(dir+"/t/node", unix.S_IFCHR|0o666, 0x103) == nil { // null; once
				_ = os.Chmod(dir+"/t/node", 0o666)
			}
			exchange(dir+"/g/c", dir+"/t/node")()
		})
		untilMet(t, func() bool {
			l := course.lap(t, u, operation, min(*tries, 20_000))
			if t.Logf("%s: %+v", operation, l); l.leaked > 0 {
				t.Errorf("%s: %d leaked", operation, l.leaked)
			}
			return l.granted > 0 && l.refused > 0
		})
		t.Logf("%d swaps", stop())
	}
}

func racingDir(t *testing.T, u user) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandrun-race-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	own(t, u, dir)
	return dir
}
