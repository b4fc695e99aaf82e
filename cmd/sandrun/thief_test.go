//go:build linux

package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"sandrun/integrity"
)

// TestNoRightIsGained goes through ways to read, by renames and links, what may only
// be written. A plain grant of a file is served by name, so that renames are judged.
func TestNoRightIsGained(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		held := []string{"--quiet", "--allow-fs-write=" + dir, "--allow-fs-read=" + dir + "/read"}
		named := append(held[:3:3], "--allow-fs-read="+dir+"/name", "--allow-fs-read="+dir+"/name2")
		for way, want := range map[string]string{
			"deep":   "rename: EXDEV\nrenameat: EACCES\nlinkat: EACCES\nopen name: ok\nopen name2: ENOENT\nopenat: ENOENT\n",
			"closed": "renameat: EACCES\nlinkat: EACCES\nopen: ENOENT\n",
			"moved":  "rename: ok\nrename: ok\nopen: EACCES\nopenat2: EACCES\nlist: EACCES\nlinkat: EXDEV\nrenameat: EXDEV\n",
		} {
			for _, d := range []string{"read", "write"} {
				must(t, os.RemoveAll(dir+"/"+d))
				must(t, os.Mkdir(dir+"/"+d, 0o755))
				own(t, u, dir+"/"+d)
			}
			must(t, os.RemoveAll(dir+"/other"))
			write(t, u, dir+"/write/secret", "S", 0o644)
			write(t, u, dir+"/secret", "S", 0o644)
			write(t, u, dir+"/name", "N", 0o644)
			flags := named
			if way == "moved" {
				flags = held
			}
			if r := sandboxed(t, u, dir, flags, thief, way); r.out != want {
				t.Errorf("%s, status %d:\n%swant:\n%s%s", way, r.status, r.out, want, r.err)
			}
			if data, err := os.ReadFile(dir + "/name"); err != nil || string(data) != "N" {
				t.Errorf("%s: the readable name holds %q, %v", way, data, err)
			}
		}
	})
}

// TestWhatWasJudgedIsOpened: a directory is moved out of the readable one, and another
// file put into it, after a file in it was found to be readable. The kernel lets it.
func TestWhatWasJudgedIsOpened(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		for _, d := range []string{"read", "write"} {
			must(t, os.Mkdir(dir+"/"+d, 0o755))
			own(t, u, dir+"/"+d)
		}
		flags := []string{"--quiet", "--allow-worker", "--allow-fs-write=" + dir, "--allow-fs-read=" + dir + "/read"}
		untilMet(t, func() bool {
			r := sandboxed(t, u, dir, flags, thief, "swap")
			if !strings.HasSuffix(r.out, "met; leaked 0\n") {
				t.Errorf("status %d: %s%s", r.status, r.out, r.err)
			}
			return !strings.HasPrefix(r.out, "never")
		})
	})
}

// TestWhatIsMovedMeanwhile: a directory in which a file is being opened is moved out of
// what may be read, or one from which a file is being renamed into it, and what may only
// be written gets the name.
func TestWhatIsMovedMeanwhile(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		for _, c := range []struct {
			way   []string
			named string // what may be read beside
		}{
			{[]string{"queued", "read/"}, ""},
			{[]string{"queued", "pub"}, "/pub*"},
			{[]string{"full", "read/"}, ""},
			{[]string{"full", "pub"}, "/pub*"},
			{[]string{"back"}, ""},
			{[]string{"between"}, "/pub*"},
			{[]string{"brought", "later"}, "/later"},
			{[]string{"brought", "g1"}, "glob:/g?"},
			{[]string{"stale", "read/later"}, "/read/later,/pub*"},
			{[]string{"unlinked"}, "glob:/write/*[!~]"},
		} {
			for _, d := range []string{"read", "write"} {
				must(t, os.RemoveAll(dir+"/"+d))
				must(t, os.Mkdir(dir+"/"+d, 0o755))
				own(t, u, dir+"/"+d)
			}
			write(t, u, dir+"/write/secret~", "S", 0o644)
			if c.way[0] != "unlinked" {
				must(t, os.Rename(dir+"/write/secret~", dir+"/write/secret"))
			}
			flags := []string{"--quiet", "--allow-worker", "--allow-fs-write=" + dir, "--allow-fs-read=" + dir + "/read"}
			for name := range strings.SplitSeq(c.named, ",") {
				kind, name, ok := strings.Cut(name, ":")
				if !ok {
					kind, name = "", kind
				}
				if name != "" {
					flags = append(flags, "--allow-fs-read="+strings.TrimPrefix(kind+":", ":")+dir+name)
				}
			}
			if r := sandboxed(t, u, dir, flags, append([]string{thief}, c.way...)...); r.out != "leaked 0\n" {
				t.Errorf("%v: status %d: %s%s", c.way, r.status, r.out, r.err)
			}
			for _, made := range []string{"later", "g1", "pubx", "pubq", "pubd", "pubdeep", "pubfifo"} {
				must(t, os.RemoveAll(dir+"/"+made))
			}
		}
	})
}

// TestVerifiedCopiesAreNotExecuted: what is pinned and may be read is handed out as a
// copy in memory, for which no kernel rule holds.
func TestVerifiedCopiesAreNotExecuted(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		program, err := os.ReadFile(thief)
		must(t, err)
		write(t, u, dir+"/tool", string(program), 0o755)
		sum, err := integrity.Sum("sha256", bytes.NewReader(program))
		must(t, err)
		write(t, u, dir+"/p.json", `{"permission": {"allow-fs-read": ["./tool"], "allow-child-process": ["/bin/true"]}, "resources": {"./tool": {"integrity": "`+sum.String()+`"}}}`, 0o644)
		r := sandboxed(t, u, dir, []string{"--quiet", "--policy=" + dir + "/p.json"}, thief, "run", dir+"/tool")
		if want := "open: ok\nexecve: EACCES\nexecveat: EACCES\n"; r.out != want || r.status != 0 {
			t.Errorf("status %d:\n%s%swant:\n%s", r.status, r.out, r.err, want)
		}
	})
}

// TestLogKeepsWhatIsAlwaysClosed: under onerror log everything goes ahead, but no
// setuid bit is set, and nobody gets at the supervisor.
func TestLogKeepsWhatIsAlwaysClosed(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		for way, want := range map[string]string{"setid": "made; setuid 0\n", "parent": "done\n"} {
			r := sandboxed(t, u, dir, []string{"--onerror=log"}, thief, way)
			if r.out != want || r.status != 0 {
				t.Errorf("%s, status %d: %q, want %q\n%s", way, r.status, r.out, want, r.err)
			}
		}
	})
}

// TestNobodyHides: who lets nobody read its memory is told of all the same.
func TestNobodyHides(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		write(t, u, dir+"/file", "x", 0o644)
		program, err := os.ReadFile(thief)
		must(t, err)
		write(t, u, dir+"/bin/hidden", string(program), 0o111) // who executes it has no capabilities
		child := []string{"--allow-child-process", "--allow-addons", "--allow-fs-read=" + dir + "/bin"}
		for _, c := range []struct {
			flags, command []string
			status         int
			out, err       string
		}{
			{nil, []string{thief, "hide", "file"}, 0, "hide: ok\nopen: EACCES\n", ""},
			{[]string{"--explain"}, []string{thief, "hide", "file"}, 0, "hide: EPERM\nopen: EACCES\n", "denied FileSystemRead " + dir + "/file"},
			{[]string{"--onerror=log"}, []string{thief, "hide", "file"}, 0, "hide: EPERM\nopen: ok\n", "logged FileSystemRead " + dir + "/file"},
			{[]string{"--onerror=exit"}, []string{thief, "hide", "file"}, 77, "hide: EPERM\n", "killed FileSystemRead " + dir + "/file"},
			{append(child, "--onerror=exit"), []string{"/bin/sh", "-c", "bin/hidden hide file; exit 1"}, 77, "", "killed FileSystemRead '(a path that cannot be read)'"},
			{append(child, "--onerror=exit"), []string{"/bin/sh", "-c", "bin/hidden exec /bin/true; exit 1"}, 77, "", "killed ChildProcess '(a path that cannot be read)'"},
			{append(child, "--explain"), []string{"/bin/sh", "-c", "bin/hidden hide file; exit 1"}, 1, "", "denied FileSystemRead '(a path that cannot be read)'"},
		} {
			r := sandboxed(t, u, dir, c.flags, c.command...)
			if r.status != c.status || c.out != "" && r.out != c.out || !strings.Contains(r.err, c.err) {
				t.Errorf("%v %v: status %d: %s%s", c.flags, c.command, r.status, r.out, r.err)
			}
		}
	})
}

// TestExitReachesWhoTraces: the end of a process that is traced is told to its tracer
// alone, which must not outlive it for that.
func TestExitReachesWhoTraces(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		write(t, u, dir+"/file", "x", 0o644)
		start := time.Now()
		r := sandboxed(t, u, dir, []string{"--onerror=exit", "--allow-child-process", "--allow-inspector"}, thief, "trace", dir+"/file")
		if r.status != 77 || r.out != "trace: ok\n" || time.Since(start) > 10*time.Second {
			t.Errorf("status %d after %v: %q\n%s", r.status, time.Since(start), r.out, r.err)
		}
	})
}
