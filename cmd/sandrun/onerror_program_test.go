//go:build linux

package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// alsoDenied are denials that programs of jobs go on after, so that they work less
// well than without sandrun, and the flags that spare them these.
var alsoDenied = map[string][]string{
	"ls":            {"--allow-fs-read=@users"}, // the names of owners
	"ls in color":   {"--allow-fs-read=@users"},
	"tar":           {"--allow-fs-read=@users"},
	"tar with gzip": {"--allow-fs-read=@users"},
	"java":          {"--allow-net"},                      // whether there is an IPv4 and an IPv6
	"java source":   {"--allow-net", "--allow-fs-read=."}, // and other sources
}

// TestProgramsUnderExit: what programs only try ends no run.
func TestProgramsUnderExit(t *testing.T) {
	for _, e := range jobs {
		t.Run(e.name, func(t *testing.T) {
			require(t, e.needs)
			asEach(t, func(t *testing.T, u user, dir string) {
				e.works(t, u, dir+"/exit", func(dir string, step []string) result {
					return sandboxed(t, u, dir, slices.Concat([]string{"--onerror=exit"}, e.flags, alsoDenied[e.name]), step...)
				})
			})
		})
	}
}

// TestProgramsUnderLog: with hardly a grant every program does what it does without
// sandrun.
func TestProgramsUnderLog(t *testing.T) {
	for _, e := range jobs {
		t.Run(e.name, func(t *testing.T) {
			require(t, e.needs)
			asEach(t, func(t *testing.T, u user, dir string) {
				e.works(t, u, dir+"/log", func(dir string, step []string) result {
					flags := []string{"--onerror=log", "--log-file=" + beside(t, u) + "/log"}
					// A signal that comes before the supervisor has received a call ends it
					// with EINTR where the handler does not restart calls, as in dash; so a
					// fork that is trapped can fail.
					if slices.Contains(e.flags, forks[0]) {
						flags = append(flags, forks...)
					}
					r := sandboxed(t, u, dir, flags, step...)
					first, rest, _ := strings.Cut(r.err, "\n")
					if !strings.Contains(first, "enforces nothing") {
						t.Errorf("instead of the warning: %s", r.err)
					}
					if strings.HasPrefix(rest, "sandrun: hint: denials that are not in the records: ") || strings.HasPrefix(rest, "sandrun: warning: denials that are not in the records: ") {
						_, rest, _ = strings.Cut(rest, "\n")
					}
					r.err = rest
					return r
				})
			})
		})
	}
}

// TestDirectoryInThePlaceOfAnother: what is executed in a directory that took the place
// of a granted one is denied, and told of.
func TestDirectoryInThePlaceOfAnother(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		for onError, want := range map[string]string{"throw": "126", "exit": "", "log": "good\n0"} {
			d := dir + "/" + onError
			must(t, os.MkdirAll(d+"/a", 0o755))
			write(t, u, d+"/a/program", compiled(t, "good", "-static"), 0o755)
			must(t, chownAll(u, d))
			own(t, u, d)
			flags := []string{"--onerror=" + onError, "--allow-fs-read=" + d + "/a", "--allow-fs-read=@system", "--allow-fs-write=" + d, "--allow-child-process", "--allow-addons"}
			r := sandboxed(t, u, d, flags, "/bin/sh", "-c", "mv a b && mkdir a && cp b/program a/program && a/program 2>/dev/null; echo $?")
			status := map[bool]int{true: 77}[onError == "exit"]
			if r.status != status || strings.TrimSpace(r.out) != want || (onError != "throw") != strings.Contains(r.err, d+"/a/program") {
				t.Errorf("%s: status %d: %s%s", onError, r.status, r.out, r.err)
			}
		}
	})
}

// TestUnixSockets: nothing grants them, so that they go ahead under log and nowhere else.
func TestUnixSockets(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		for onError, want := range map[string]string{"throw": "EPERM", "exit": "EPERM", "log": "ok"} {
			for _, try := range []string{"socket 1 1 0", "socket 1 2 0", "socketpair 1 2 0"} {
				for _, net := range []string{"--allow-worker", "--allow-net"} {
					r := sandboxed(t, u, dir, []string{"--onerror=" + onError, net}, append([]string{probe}, strings.Fields(try)...)...)
					told := "sandrun: logged Net unix (probe["
					if r.verdict() != want || (onError == "log") != strings.Contains(r.err, told) || strings.Contains(r.err, ": --allow-net") {
						t.Errorf("%s, %s, %s: status %d: %s%s", onError, net, try, r.status, r.out, r.err)
					}
				}
			}
			bind := "import socket; s = socket.socket(socket.AF_UNIX); s.bind('" + onError + "'); s.listen(); c = socket.socket(socket.AF_UNIX); c.connect('" + onError + "'); print('connected')"
			if r := sandboxed(t, u, dir, []string{"--onerror=" + onError}, "python3", "-c", bind); strings.Contains(r.out, "connected") != (onError == "log") {
				t.Errorf("%s: status %d: %s%s", onError, r.status, r.out, r.err)
			}
		}
	})
}
