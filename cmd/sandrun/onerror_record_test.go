//go:build linux

package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// TestRecordText: the line and the object of one denial of each permission, to the
// letter.
func TestRecordText(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		for _, c := range []struct{ args, base, permission, scope, resource, call, errno, flag string }{
			{"read DIR/link", "", "FileSystemRead", "fs.read", "DIR/file", "openat", "EACCES", "--allow-fs-read=DIR/file"},
			{"create DIR/new", "", "FileSystemWrite", "fs.write", "DIR/new", "openat", "EACCES", "--allow-fs-write=DIR/new"},
			{"exec /usr/bin/true", "", "ChildProcess", "child", "/usr/bin/true", "execve", "EACCES", "--allow-child-process=/usr/bin/true"},
			{"fork", "", "ChildProcess", "child", "", "clone", "EPERM", "--allow-child-process"},
			{"thread", "", "WorkerThreads", "worker", "", "clone", "EPERM", "--allow-worker"},
			{"mapexec DIR/file", readDir, "Addon", "addon", "DIR/file", "mmap", "EACCES", "--allow-addons=DIR/file"},
			{"socket 2 1 0", "", "Net", "net", "", "socket", "EPERM", "--allow-net"},
			{"traceme", "", "Inspector", "inspector", "", "ptrace", "EPERM", "--allow-inspector"},
		} {
			for onerror, verdict := range map[string]string{"--explain": "denied", "--onerror=log": "logged", "--onerror=exit": "killed"} {
				s := newStage(t, u, denial{args: c.args, base: c.base}, "")
				quote := func(text string) string { return regexp.QuoteMeta(s.fill.Replace(text)) }
				errno := c.errno
				if verdict == "logged" {
					errno = ""
				}
				object := fmt.Sprintf(`^\{"v":1,"time":"20[^"]+Z","verdict":"%s","permission":"%s","scope":"%s","resource":"%s","call":"%s","errno":"%s","pid":[0-9]+,"tid":[0-9]+,"exe":"%s","flag":"%s","code":"ERR_ACCESS_DENIED"\}\n$`,
					verdict, c.permission, c.scope, quote(c.resource), c.call, errno, probe, quote(c.flag))
				r := s.run([]string{onerror}, "", "")
				if data, err := os.ReadFile(s.log); err != nil || !regexp.MustCompile(object).Match(data) {
					t.Errorf("%v: %s\nis not %s\n%s", err, data, object, r.err)
				}
				text := fmt.Sprintf(`(?m)^sandrun: %s %s (%s )?\(probe\[[0-9]+\] %s\): %s$`, verdict, c.permission, quote(c.resource), c.call, quote(c.flag))
				flags := append(strings.Fields(s.fill.Replace(c.base)), onerror)
				said := sandboxed(t, u, s.dir, flags, append([]string{probe}, strings.Fields(s.fill.Replace(c.args))...)...)
				if !regexp.MustCompile(text).MatchString(said.err) || strings.Count(said.err, "sandrun: "+verdict) != 1 {
					t.Errorf("%s\nis not %s", said.err, text)
				}
			}
		}
	})
}

// TestRecordedNames: whatever a file is called, its record is one line of
// printable characters, and the flag in it grants that file.
func TestRecordedNames(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		for _, name := range []string{
			"a\nsandrun: denied Net (x[1] y): --allow-net", "a\x1b[31mred", "a\xffb", "a b", "a'b", `a\b`, "a,b", "a*b", "$HOME", "~", "a\tb", "\u202ebidi", "[x]", "{a,b}", "é",
		} {
			write(t, u, dir+"/"+name, "content", 0o644)
			r := sandboxed(t, u, dir, []string{"--explain"}, probe, "cat", dir+"/"+name)
			if !utf8.ValidString(r.err) || strings.ContainsAny(r.err, "\x1b\t\u202e") || strings.Count(r.err, "\n") != 2 || !strings.HasPrefix(r.err, "sandrun: denied FileSystemRead $'"+dir) && !strings.HasPrefix(r.err, "sandrun: denied FileSystemRead '"+dir) && !strings.HasPrefix(r.err, "sandrun: denied FileSystemRead "+dir) {
				t.Errorf("%q: %q", name, r.err)
			}
			again := explained(t, u, dir, nil, r, probe, "cat", dir+"/"+name)
			if again.out != "contentok\n" {
				t.Errorf("%q: with the flags it says %s%s", name, again.out, again.err)
			}
		}
	})
}

// explained runs a command again with the flags of the closing line of --explain,
// which a shell reads.
func explained(t *testing.T, u user, dir string, flags []string, r result, args ...string) result {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.err), "\n")
	last := lines[len(lines)-1]
	_, words, ok := strings.Cut(last, "sandrun: hint: to grant all that was denied: ")
	if !ok {
		_, words, ok = strings.Cut(last, "; if this one needs it: ")
	}
	if !ok {
		t.Fatalf("the last line has no flags: %s", r.err)
	}
	script := "sandrun " + strings.Join(flags, " ") + " " + words + ` -- "$@"`
	return finish(t, command(u, dir, append([]string{"/bin/bash", "-c", script, "bash"}, args...)...))
}

// TestExplainInOneRun: the flags that the first run names are all that a program
// needs to work.
func TestExplainInOneRun(t *testing.T) {
	port := listening(t)
	for _, c := range []struct {
		name  string
		flags []string // what the first run has already
		args  []string
		out   string
	}{
		{"python", nil, []string{"/usr/bin/python3", "script.py"}, "3 lines\n"},
		{"python that goes on", nil, []string{"/usr/bin/python3", "survivor.py"}, "[]\n"},
		{"a shell, which ends where it cannot fork", forks, []string{"/bin/sh", "run.sh"}, "B\nA\nC\n"},
		{"python with a module of its own", nil, []string{"/usr/bin/python3", "import.py"}, "imported\n"},
		{"what most programs do without", nil, []string{"/bin/grep", "-o", "MemTotal", "/proc/meminfo"}, "MemTotal\n"},
		{"network", nil, []string{"/usr/bin/python3", "net.py", port}, "connected\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			asEach(t, func(t *testing.T, u user, dir string) {
				for name, content := range map[string]string{
					"notes.txt": "b\na\nc\n",
					"script.py": "n = sum(1 for _ in open('notes.txt'))\nprint(n, 'lines')\n",
					"survivor.py": `import os, threading, subprocess
failed = []
def tried(what):
    try: what()
    except Exception as e: failed.append(repr(e))
tried(lambda: open('notes.txt').read())
tried(lambda: open('made.txt', 'w').write('x'))
tried(lambda: open('both.txt', 'w+').write('x'))
tried(lambda: os.makedirs('deep/er', exist_ok=True))
tried(lambda: os.chmod('notes.txt', 0o600))
tried(lambda: os.rename('script.py', 'moved.py'))
tried(lambda: os.symlink('x', 'link'))
tried(lambda: os.unlink('link'))
tried(lambda: threading.Thread(target=int).start())
tried(lambda: subprocess.run(['/bin/true'], check=True))
tried(lambda: os.listdir('/srv'))
print(failed)
`,
					"import.py": "import own\n", "own.py": "print('imported')\n",
					"run.sh": "cat notes.txt | tr a-z A-Z\n",
					"net.py": "import socket, sys\nsocket.create_connection(('127.0.0.1', int(sys.argv[1])))\nprint('connected')\n",
				} {
					write(t, u, dir+"/"+name, content, 0o644)
				}
				r := sandboxed(t, u, dir, append([]string{"--explain"}, c.flags...), c.args...)
				if r.out == c.out {
					t.Fatalf("nothing was denied: %s", r.err)
				}
				if again := explained(t, u, dir, c.flags, r, c.args...); again.out != c.out || again.status != 0 {
					t.Errorf("status %d: %s%s\nafter %s", again.status, again.out, again.err, r.err)
				}
			})
		})
	}
}

// TestThreadsHint: a program that is no known runtime and fails on threads is told
// what it needs.
func TestThreadsHint(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		r := sandboxed(t, u, dir, nil, probe, "thread")
		if !strings.HasSuffix(r.err, "sandrun: hint: probe cannot start threads: add --allow-worker\n") {
			t.Errorf("%s", r.err)
		}
		again := sandboxed(t, u, dir, []string{"--allow-worker"}, probe, "thread")
		if again.verdict() != "ok" || again.err != "" {
			t.Errorf("%s%s", again.out, again.err)
		}
	})
}

// floods is how many denials a flood has; with -short fewer.
func floods() int {
	if testing.Short() {
		return 20_000
	}
	return 250_000
}

// TestFlood: the counts of a flood of denials add up, the program gets through, and
// sandrun stays small.
func TestFlood(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		n := floods()
		args := []string{"/bin/sh", "-c", `echo $$ >"$0"; exec "$@"`, dir + "/pid", sandrun, "--explain", "--log-file=" + dir + "/log", "--", probe, "flood", strconv.Itoa(n), dir}
		high := watched(dir + "/pid")
		r := finish(t, command(u, dir, args...))
		if r.out != "ok\n" || r.status != 0 {
			t.Fatalf("status %d: %s%s", r.status, r.out, r.err)
		}
		data, err := os.ReadFile(dir + "/log")
		must(t, err)
		total := strings.Count(string(data), "\n")
		left, _, _ := strings.Cut(r.err, "\n")
		for _, number := range regexp.MustCompile(`[:,] ([0-9]+) `).FindAllStringSubmatch(left, -1) {
			k, _ := strconv.Atoi(number[1])
			total += k
		}
		if total != n {
			t.Errorf("%d of %d denials are counted: %s", total, n, r.err)
		}
		if kib := high(); kib == 0 || kib > 32<<10 {
			t.Errorf("sandrun took %d KiB", kib)
		}
	})
}

// watched notes the largest resident memory of a process, whose pid a file will
// hold, until it has ended.
func watched(file string) (high func() int) {
	found, stop := make(chan int), make(chan bool)
	go func() {
		kib := 0
		for {
			select {
			case <-stop:
				found <- kib
				return
			case <-time.After(5 * time.Millisecond):
				text, _ := os.ReadFile(file) // it is not there yet
				if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
					kib, _ = memoryOf(pid, kib, 0)
				}
			}
		}
	}()
	return func() int { close(stop); return <-found }
}

// TestNobodyReads: a stderr that is full holds up neither the program nor the end.
func TestNobodyReads(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		var pipe [2]int
		must(t, unix.Pipe2(pipe[:], unix.O_CLOEXEC))
		reader, writer := os.NewFile(uintptr(pipe[0]), "reader"), os.NewFile(uintptr(pipe[1]), "writer")
		defer reader.Close()
		cmd := command(u, dir, sandrun, "--explain", "--allow-fs-write="+dir+"/done", "--", probe, "flood", "20000", dir, ",", "create", dir+"/done")
		cmd.Stderr = writer
		must(t, cmd.Start())
		writer.Close()
		over := make(chan error, 1)
		go func() { over <- cmd.Wait() }()
		select {
		case err := <-over:
			if err != nil {
				t.Errorf("%v", err)
			}
		case <-time.After(60 * time.Second):
			_ = cmd.Process.Kill()
			t.Fatal("sandrun does not end")
		}
		if _, err := os.Lstat(dir + "/done"); err != nil {
			t.Errorf("the program did not get to its end: %v", err)
		}
	})
}
