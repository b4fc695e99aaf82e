//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// aliveWith counts the processes that a text was told to and that have not ended.
func aliveWith(t *testing.T, text string) (n int) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	must(t, err)
	for _, name := range lines {
		line, err := os.ReadFile(name)
		if err == nil && strings.Contains(string(line), text) {
			n++
		}
	}
	return n
}

// TestExitKillsTheTree: whoever is denied something, and whatever else the target
// has running at that moment, nothing of it is left when sandrun ends, and nothing
// outside is touched.
func TestExitKillsTheTree(t *testing.T) {
	crowds := map[string]string{
		"children":        "probe sleep 60000 DIR/run & probe sleep 60000 DIR/run & ",
		"grandchildren":   "(sh -c 'probe sleep 60000 DIR/run; true' & sleep 60) & ",
		"daemons":         "probe daemon DIR/run; probe daemon DIR/run; ",
		"a chain":         "probe chain DIR/run & ",
		"chains":          "for i in 1 2 3 4 5 6 7 8; do probe chain DIR/run & done; ",
		"stopped":         "probe sleep 60000 DIR/run & kill -STOP $!; ",
		"ignoring":        "(trap '' HUP INT TERM; probe sleep 60000 DIR/run; touch DIR/left) & ",
		"nothing besides": "",
	}
	denials := map[string]string{
		"the first process":   "cat <DIR/file",
		"a child":             "cat DIR/file; touch DIR/left",
		"a grandchild":        "sh -c 'cat DIR/file; touch DIR/left'; touch DIR/left",
		"a thread":            "probe inthread read DIR/file; touch DIR/left",
		"in the background":   "cat DIR/file & wait; touch DIR/left",
		"a pipe":              "echo x | cat DIR/file - | cat; touch DIR/left",
		"with a trap":         "trap 'touch DIR/left' EXIT TERM CHLD HUP; cat DIR/file; touch DIR/left",
		"python's finally":    `python3 -c "try: open('DIR/file')` + "\n" + `finally: open('DIR/left', 'w')"`,
		"a metadata change":   "chmod 600 DIR/file; touch DIR/left",
		"a removal":           "rm -f DIR/file; touch DIR/left",
		"a thread of another": "probe inthread mkdir DIR/left",
	}
	asEach(t, func(t *testing.T, u user, dir string) {
		victim := command(u, dir, "/bin/sleep", "600")
		must(t, victim.Start())
		defer func() { _ = victim.Process.Kill(); _ = victim.Wait() }()
		for beside, crowd := range crowds {
			for who, denied := range denials {
				scene := scene(t, u)
				write(t, u, scene+"/run", "", 0o644)
				script := strings.ReplaceAll("export PATH="+binDir+":/usr/bin:/bin; "+crowd+"sleep 0.01; "+denied, "DIR", scene)
				flags := []string{"--onerror=exit", "--allow-child-process", "--allow-worker", "--allow-fs-read=@system," + binDir}
				r := sandboxed(t, u, scene, flags, "/bin/sh", "-c", script)
				if r.status != 77 || strings.Count(r.err, "sandrun: killed ") != 1 {
					t.Errorf("%s beside %s: status %d: %s%s", who, beside, r.status, r.out, r.err)
				}
				for range 5 {
					if n := aliveWith(t, scene); n > 0 {
						t.Fatalf("%s beside %s: %d processes live on", who, beside, n)
					}
					time.Sleep(time.Millisecond)
				}
				must(t, os.Remove(scene+"/run"))
				if _, err := os.Lstat(scene + "/left"); err == nil {
					t.Errorf("%s beside %s: code ran after the denial", who, beside)
				}
			}
		}
		if err := victim.Process.Signal(syscall.Signal(0)); err != nil || aliveWith(t, "/bin/sleep\x00600") == 0 {
			t.Errorf("a process outside was hit: %v", err)
		}
	})
}

// TestRecordsNameTheCaller: pid and tid are those of the process and of the thread,
// as the target knows them, and exe is what runs there.
func TestRecordsNameTheCaller(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		for _, how := range []string{"", "inthread ", "inchild ", "inchild inthread "} {
			for _, onerror := range []string{"--explain", "--onerror=log", "--onerror=exit"} {
				s := newStage(t, u, denial{args: how + "read DIR/file", base: "--allow-worker --allow-child-process"}, "")
				r := s.run([]string{onerror}, "ids , ", "")
				list := recordsIn(t, s.log)
				// What is said: the pid, its parent's, "ok", and the numbers of child and thread.
				said := strings.Fields(r.out)
				if len(list) != 1 || len(said) < 3+len(strings.Fields(how)) {
					t.Errorf("%s %s: %+v\n%s%s", onerror, how, list, r.out, r.err)
					continue
				}
				pid, tid := said[0], said[0]
				for i, step := range strings.Fields(how) {
					tid = said[3+i]
					if step == "inchild" {
						pid = tid
					}
				}
				if got := list[0]; strconv.Itoa(got.PID) != pid || strconv.Itoa(got.TID) != tid || got.Exe != probe {
					t.Errorf("%s %s: %+v, the target says %q", onerror, how, got, r.out)
				}
			}
		}
	})
}
