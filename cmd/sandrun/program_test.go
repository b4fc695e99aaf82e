//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Flags that the README documents for whole groups of programs.
var (
	reads  = []string{"--allow-fs-read=."}
	writes = []string{"--allow-fs-read=.", "--allow-fs-write=."}
	forks  = []string{"--allow-child-process"}
	builds = append(writes, "--allow-fs-write=@tmp", "--allow-fs-read=@tmp", "--allow-child-process")
)

// A job is a real program at work in a workshop: commands that follow each
// other, each under sandrun.
type job struct {
	name  string
	needs string // a program that the machine may lack; its package is in needed
	steps [][]string
	flags []string // with these it works
	out   string   // what the last step prints, as a part
	// check looks at what is left behind.
	check func(t *testing.T, dir string)
	// without is a flag that is left out, by its beginning, and refused is what is
	// printed then. "" leaves out nothing.
	without, refused string
}

// needed are the packages of Debian that hold the programs which a machine may
// lack.
var needed = map[string]string{
	"/usr/bin/git": "git", "/usr/bin/make": "make", "/usr/bin/python3": "python3", "/usr/bin/perl": "perl",
	"/usr/bin/ruby": "ruby", "/usr/bin/node": "nodejs", "/usr/bin/javac": "default-jdk-headless",
	"/usr/bin/strace": "strace", "/usr/sbin/nginx": "nginx-light",
}

// require skips a test whose program is missing, where tests need not be complete.
func require(t *testing.T, program string) {
	t.Helper()
	if program == "" {
		return
	}
	if _, err := os.Stat(program); err == nil {
		return
	}
	if os.Getenv("SANDRUN_MUST_ENFORCE") == "1" {
		t.Fatalf("%s is missing: install Debian's package %s", program, needed[program])
	}
	t.Skipf("%s is missing: Debian's package %s has it", program, needed[program])
}

// sharedTmp is the warning that belongs to @tmp.
const sharedTmp = "is shared with other programs"

func one(args ...string) [][]string { return [][]string{args} }

func words(lines ...string) (steps [][]string) {
	for _, line := range lines {
		steps = append(steps, strings.Fields(line))
	}
	return steps
}

const (
	eacces = "Permission denied"
	eperm  = "Operation not permitted"
)

var jobs = []job{
	{name: "ls", steps: words("/usr/bin/ls -l tree"), flags: reads, out: "run.sh\n", without: "--allow-fs-read", refused: eacces},
	{name: "ls in color", steps: words("/usr/bin/ls -la --color=always tree"), flags: reads, out: "run.sh"},
	{name: "cat", steps: words("/usr/bin/cat notes.txt"), flags: reads, out: "b\na\nc\n", without: "--allow-fs-read", refused: eacces},
	{name: "cat a file", steps: words("/usr/bin/cat notes.txt"), flags: []string{"--allow-fs-read=notes.txt"}, out: "b\na\nc\n"},
	{name: "grep", steps: words("/usr/bin/grep -rn a. tree"), flags: reads, out: "tree/deep/a.txt:1:alpha\n", without: "--allow-fs-read", refused: eacces},
	{name: "sort", steps: words("/usr/bin/sort notes.txt"), flags: reads, out: "a\nb\nc\n", without: "--allow-fs-read", refused: eacces},
	{name: "find", steps: words("/usr/bin/find tree -name *.txt"), flags: reads, out: "tree/deep/a.txt\n", without: "--allow-fs-read", refused: eacces},
	{
		name: "cp -p", steps: words("/usr/bin/cp -p tree/deep/a.txt out/a.txt"),
		flags: []string{"--allow-fs-read=.", "--allow-fs-write=out"}, without: "--allow-fs-write", refused: eacces,
		check: func(t *testing.T, dir string) { sameFile(t, dir+"/tree/deep/a.txt", dir+"/out/a.txt", false) },
	},
	{
		name: "cp -a", steps: words("/usr/bin/cp -a tree out/tree"), flags: []string{"--allow-fs-read=.", "--allow-fs-write=out"},
		check: func(t *testing.T, dir string) { sameTree(t, dir+"/tree", dir+"/out/tree", true) },
	},
	{
		name: "mv", steps: words("/usr/bin/mv tree/deep/a.txt out/b.txt", "/usr/bin/cat out/b.txt"), flags: writes, out: "alpha\n",
		without: "--allow-fs-write", refused: eacces,
		check: func(t *testing.T, dir string) { missing(t, dir+"/tree/deep/a.txt") },
	},
	{
		name: "rm and mkdir", steps: words("/usr/bin/mkdir -p -m 711 out/x/y", "/usr/bin/rm -r tree", "/usr/bin/ls"), flags: writes, out: "out\n",
		without: "--allow-fs-write", refused: eacces,
		check: func(t *testing.T, dir string) { missing(t, dir+"/tree") },
	},
	{
		name: "tar", steps: words("/usr/bin/tar --xattrs -cf out/t.tar tree", "/usr/bin/tar --xattrs -xpf out/t.tar -C out", "/usr/bin/tar -tf out/t.tar"),
		flags: []string{"--allow-fs-read=.", "--allow-fs-write=out"}, out: "tree/deep/a.txt\n", without: "--allow-fs-write", refused: eacces,
		check: func(t *testing.T, dir string) { sameTree(t, dir+"/tree", dir+"/out/tree", true) },
	},
	{
		name: "tar with gzip", steps: words("/usr/bin/tar -czf out/t.tgz tree", "/usr/bin/tar -xzf out/t.tgz -C out"),
		flags: append(writes, forks...), without: "--allow-child-process", refused: eperm,
		check: func(t *testing.T, dir string) { sameTree(t, dir+"/tree", dir+"/out/tree", false) },
	},
	{
		name: "gzip", steps: words("/usr/bin/gzip notes.txt", "/usr/bin/gzip -d notes.txt.gz", "/usr/bin/cat notes.txt"), flags: writes, out: "b\na\nc\n",
		without: "--allow-fs-write", refused: eacces,
		check: func(t *testing.T, dir string) { missing(t, dir+"/notes.txt.gz") },
	},

	{
		name: "git", needs: "/usr/bin/git",
		steps: words(
			"/usr/bin/git init -q -b main repo", "/usr/bin/git -C repo add .", "/usr/bin/git -C repo commit -q -m first",
			"/usr/bin/git clone -q repo clone", "/usr/bin/git -C clone checkout -q -b other", "/usr/bin/git -C clone mv file moved",
			"/usr/bin/git -C clone commit -q -a -m second", "/usr/bin/git -C clone checkout -q main",
			"/usr/bin/git -C clone fsck --no-progress", "/usr/bin/git -C clone log --topo-order --format=%f other",
		),
		flags: append(writes, forks...), out: "second\nfirst\n", without: "--allow-fs-write", refused: eacces,
	},
	{
		name: "git with threads", needs: "/usr/bin/git",
		steps: words(
			"/usr/bin/git init -q -b main repo", "/usr/bin/git -C repo add .", "/usr/bin/git -C repo commit -q -m first",
			"/usr/bin/git clone -q --no-local repo clone", "/usr/bin/git -C clone mv file moved", "/usr/bin/git -C clone commit -q -m second",
			"/usr/bin/git -C clone gc -q", "/usr/bin/git -C clone log --format=%f",
		),
		flags: append(writes, "--allow-child-process", "--allow-worker"), out: "second\nfirst\n", without: "--allow-worker", refused: eperm,
	},
	{
		name: "git without child", needs: "/usr/bin/git", steps: words("/usr/bin/git init -q -b main repo", "/usr/bin/git -C repo add .", "/usr/bin/git clone -q repo clone"),
		flags: append(writes, forks...), without: "--allow-child-process", refused: eperm,
	},
	{
		name: "gcc", steps: words("/usr/bin/gcc -O1 -c -o hello.o hello.c", "/usr/bin/gcc -o hello hello.o", "./hello world"),
		// Without child gcc tries again for 15 seconds before it says so.
		flags: builds, out: "hello world\n", without: "--allow-fs-write", refused: eacces,
	},
	{name: "gcc with pipes and lto", steps: words("/usr/bin/gcc -O2 -flto -pipe -o hello hello.c", "./hello lto"), flags: builds, out: "hello lto\n", without: "--allow-fs-write", refused: eacces},
	{
		name: "make", needs: "/usr/bin/make", steps: words("/usr/bin/make -j4", "/usr/bin/make clean all", "/usr/bin/cat result"),
		flags: builds, out: "hello make\nsummed 3\n", without: "--allow-child-process", refused: eperm,
	},

	{name: "dash", steps: one("/usr/bin/dash", "-c", shellScript), flags: append(writes, forks...), out: shellOutput, without: "--allow-child-process", refused: "Cannot fork"},
	{name: "bash", steps: one("/usr/bin/bash", "-c", shellScript), flags: append(writes, forks...), out: shellOutput, without: "--allow-child-process", refused: eperm},
	{name: "bash's own", steps: one("/usr/bin/bash", "-c", bashScript), flags: append(writes, forks...), out: "here-string\nsubstituted\n3 2 1 \nfrom a coprocess\n"},
	{name: "a script of sh", steps: words("./tree/run.sh a b"), out: "2 arguments\n"},
	{name: "a script below a shell", steps: one("/usr/bin/dash", "-c", "./tree/run.sh a | cat"), flags: append(reads, forks...), out: "1 arguments\n", without: "--allow-child-process", refused: "Cannot fork"},
	{name: "a listed program", steps: one("/usr/bin/dash", "-c", "echo x | sed s/x/y/"), flags: []string{"--allow-child-process=sed"}, out: "y\n", without: "--allow-child-process", refused: "Cannot fork"},

	{name: "python -c", needs: "/usr/bin/python3", steps: one("/usr/bin/python3", "-c", "print(6*7)"), out: "42\n"},
	{name: "python script", needs: "/usr/bin/python3", steps: words("/usr/bin/python3 script.py a b"), out: "script.py a b\n"},
	{name: "python by env", needs: "/usr/bin/python3", steps: words("./by-env.py a"), out: "by-env.py a\n"},
	{name: "python by env -S", needs: "/usr/bin/python3", steps: words("./by-env-s.py a"), out: "by-env-s.py a True\n"},
	{
		name: "python's modules", needs: "/usr/bin/python3",
		steps: one("/usr/bin/python3", "-c", pythonModules), out: "True (7,) [1] done",
	},
	{
		name: "python imports a neighbour", needs: "/usr/bin/python3", steps: words("/usr/bin/python3 imports.py"), flags: reads, out: "neighbour\n",
		without: "--allow-fs-read", refused: "ModuleNotFoundError",
	},
	{
		name: "python writes", needs: "/usr/bin/python3", steps: one("/usr/bin/python3", "-c", "import sqlite3; c=sqlite3.connect('out/db'); c.execute('create table t(x)'); c.commit(); print('made')"),
		flags: writes, out: "made\n", without: "--allow-fs-write", refused: "OperationalError",
	},
	{
		name: "python's children", needs: "/usr/bin/python3",
		steps: one("/usr/bin/python3", "-c", "import subprocess; print(subprocess.run('echo x | tr x y', shell=True, capture_output=True, text=True).stdout, subprocess.check_output(['/usr/bin/echo', 'z'], text=True))"),
		flags: forks, out: "y\n z\n", without: "--allow-child-process", refused: "[Errno 1] Operation not permitted",
	},
	{
		name: "python's threads", needs: "/usr/bin/python3",
		steps: one("/usr/bin/python3", "-c", "from concurrent.futures import ThreadPoolExecutor as P; print(sum(P(4).map(int, '123')))"),
		flags: []string{"--allow-worker"}, out: "6\n", without: "--allow-worker", refused: "can't start new thread",
	},
	{
		name: "python's ctypes", needs: "/usr/bin/python3", steps: one("/usr/bin/python3", "-c", "import ctypes; print(ctypes.CDLL(None).getpid() > 0)"),
		flags: []string{"--allow-addons"}, out: "True\n", without: "--allow-addons", refused: "failed to map segment from shared object",
	},
	{name: "python's venv", needs: "/usr/bin/python3", steps: one("venv/bin/python3", "-c", "import sys, json; print(sys.prefix != sys.base_prefix)"), out: "True\n"},
	{
		name: "python makes a venv", needs: "/usr/bin/python3", steps: [][]string{
			{"/usr/bin/python3", "-m", "venv", "--without-pip", "made"}, {"made/bin/python3", "-c", "import sys; print(sys.prefix)"},
		},
		flags: append(writes, forks...), out: "/made\n", without: "--allow-fs-write", refused: "[Errno 13] Permission denied",
	},

	{
		name: "perl -e", needs: "/usr/bin/perl",
		steps: one("/usr/bin/perl", "-e", `use strict; use POSIX qw(floor strftime); use List::Util qw(sum); use Encode; print floor(2.5) + sum(1, 2), length(encode("UTF-8", "\x{e9}")), "\n"`), out: "52\n",
	},
	{
		name: "perl script", needs: "/usr/bin/perl", steps: words("/usr/bin/perl script.pl notes.txt"), flags: reads, out: "3 lines\n",
		without: "--allow-fs-read", refused: eacces,
	},
	{name: "perl's children", needs: "/usr/bin/perl", steps: one("/usr/bin/perl", "-e", "print `echo x | tr x y`; exit $? >> 8"), flags: forks, out: "y\n"},
	{name: "ruby -e", needs: "/usr/bin/ruby", steps: one("/usr/bin/ruby", "-e", "require 'json'; require 'set'; puts JSON.generate(Set[1].to_a)"), out: "[1]\n"},
	{name: "ruby script", needs: "/usr/bin/ruby", steps: words("/usr/bin/ruby script.rb notes.txt"), flags: reads, out: "3 lines\n", without: "--allow-fs-read", refused: eacces},

	{
		name: "node -e", needs: "/usr/bin/node", steps: one("/usr/bin/node", "-e", "console.log(6*7)"), flags: []string{"--allow-worker"}, out: "42\n",
		without: "--allow-worker", refused: "add --allow-worker",
	},
	{name: "node script", needs: "/usr/bin/node", steps: words("/usr/bin/node alone.js a"), flags: []string{"--allow-worker"}, out: "alone.js a\n"},
	{
		name: "node requires a neighbour", needs: "/usr/bin/node", steps: words("/usr/bin/node app.js"), flags: []string{"--allow-worker", "--allow-fs-read=lib.js"},
		out: "neighbour\n", without: "--allow-fs-read", refused: "EACCES",
	},
	{name: "node's workers", needs: "/usr/bin/node", steps: words("/usr/bin/node worker.js"), flags: []string{"--allow-worker", "--allow-fs-read=worker.js"}, out: "from a worker\n"},
	{
		name: "node writes", needs: "/usr/bin/node", steps: one("/usr/bin/node", "-e", "require('fs').promises.writeFile('out/x', 'y').then(() => console.log('written'))"),
		flags: append(writes, "--allow-worker"), out: "written\n", without: "--allow-fs-write", refused: "EACCES",
	},
	{
		name: "node's children", needs: "/usr/bin/node", steps: one("/usr/bin/node", "-e", "console.log(require('child_process').execSync('echo x | tr x y').toString())"),
		flags: []string{"--allow-worker", "--allow-child-process"}, out: "y\n", without: "--allow-child-process", refused: "EPERM",
	},

	{
		name: "java", needs: "/usr/bin/javac", steps: words("/usr/bin/javac -d out Hello.java", "/usr/bin/java -cp out Hello"),
		flags: append(writes, "--allow-worker"), out: "hello java\n", without: "--allow-worker", refused: "add --allow-worker",
	},
	{name: "java source", needs: "/usr/bin/javac", steps: words("/usr/bin/java Hello.java"), flags: []string{"--allow-worker"}, out: "hello java\n"},

	{
		name: "strace", needs: "/usr/bin/strace", steps: words("/usr/bin/strace -f -e trace=execve /usr/bin/echo traced"),
		flags: append(forks, "--allow-inspector"), out: "traced\n", without: "--allow-inspector", refused: "PTRACE_TRACEME: Operation not permitted",
	},
}

const (
	shellScript = `set -e
echo a | /usr/bin/tr a b
cat <<END
here $(echo substituted | tr a-z A-Z)
END
(exit 3) || echo "status $?"
echo one > out/x; echo two >> out/x; cat < out/x
{ echo err >&2; } 2>&1 | sed s/err/caught/
for i in 1 2; do echo "$i" & wait $!; done
cd tree && ls run.sh
exec echo replaced`
	shellOutput = "b\nhere SUBSTITUTED\nstatus 3\none\ntwo\ncaught\n1\n2\nrun.sh\nreplaced\n"

	// /dev/fd, and with it <(...), is another process's /proc.
	bashScript = `set -euo pipefail
cat <<< here-string
x=$(cat <<< substituted); echo "$x"
for ((i = 3; i; i--)); do echo -n "$i "; done; echo
coproc cat
echo from a coprocess >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}"; echo "$line"`

	pythonModules = `import ssl, sqlite3, json, asyncio, hashlib, zlib, decimal, random, tempfile, uuid, datetime, logging, socket, multiprocessing, email, xml.etree.ElementTree, unicodedata, zoneinfo
async def main():
    await asyncio.sleep(0.001)
    return 'done'
print('OpenSSL' in ssl.OPENSSL_VERSION, sqlite3.connect(':memory:').execute('select 7').fetchone(), json.loads('[1]'), asyncio.run(main()))`
)

// workshop fills a directory with what the examples work on.
func workshop(t *testing.T, u user, dir string) {
	t.Helper()
	for _, f := range []struct {
		path, content string
		mode          os.FileMode
	}{
		{"notes.txt", "b\na\nc\n", 0o644},
		{"tree/deep/a.txt", "alpha\n", 0o640},
		{"tree/run.sh", "#!/bin/sh\necho \"$# arguments\"\n", 0o755},
		{"out/.keep", "", 0o644},
		{"repo/file", "content\n", 0o644},
		{".gitconfig", "[user]\nname = A\nemail = a@example.org\n", 0o644},
		{"hello.c", "#include <stdio.h>\nint main(int c, char **v) { printf(\"hello %s\\n\", c > 1 ? v[1] : \"make\"); }\n", 0o644},
		{"Makefile", "all: result\nresult: hello sum\n\t./hello > $@\n\tcat sum >> $@\nhello: hello.c\n\tgcc -o $@ $<\n" +
			"sum:\n\techo 1 2 | { read a b; echo \"summed $$((a + b))\"; } > $@\nclean:\n\trm -f hello sum result\n.PHONY: all clean\n", 0o644},
		{"script.py", "import sys\nprint(*sys.argv)\n", 0o644},
		{"by-env.py", "#!/usr/bin/env python3\nimport sys, os\nprint(os.path.basename(sys.argv[0]), *sys.argv[1:])\n", 0o755},
		{"by-env-s.py", "#!/usr/bin/env -S python3 -u\nimport sys, os\nprint(os.path.basename(sys.argv[0]), *sys.argv[1:], sys.stdout.write_through)\n", 0o755},
		{"imports.py", "import neighbour\n", 0o644},
		{"neighbour.py", "print('neighbour')\n", 0o644},
		{"script.pl", "open(my $f, '<', $ARGV[0]) or die \"$!\\n\"; my @l = <$f>; print scalar(@l), \" lines\\n\";\n", 0o644},
		{"script.rb", "puts \"#{File.readlines(ARGV[0]).size} lines\"\n", 0o644},
		{"alone.js", "console.log(require('path').basename(process.argv[1]), ...process.argv.slice(2))\n", 0o644},
		{"app.js", "console.log(require('./lib').name)\n", 0o644},
		{"lib.js", "exports.name = 'neighbour'\n", 0o644},
		{"worker.js", "const w = require('worker_threads')\nif (w.isMainThread) new w.Worker(__filename).on('message', m => console.log(m))\nelse w.parentPort.postMessage('from a worker')\n", 0o644},
		{"Hello.java", "public class Hello { public static void main(String[] a) { System.out.println(\"hello java\"); } }\n", 0o644},
	} {
		write(t, u, dir+"/"+f.path, f.content, f.mode)
	}
	link := dir + "/tree/link"
	if err := os.Symlink("deep/a.txt", link); err != nil {
		t.Fatal(err)
	}
	own(t, u, link, dir+"/tree")
	if err := unix.Setxattr(dir+"/tree/deep/a.txt", "user.origin", []byte("workshop"), 0); err != nil {
		t.Fatal(err)
	}
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, path := range []string{"/tree/deep/a.txt", "/tree/run.sh", "/tree/deep", "/tree"} {
		if err := os.Chtimes(dir+path, old, old); err != nil {
			t.Fatal(err)
		}
	}
}

// prepare makes what a program makes for itself, without sandrun.
func prepare(t *testing.T, e job, u user, dir string) {
	t.Helper()
	workshop(t, u, dir)
	if e.name == "python's venv" {
		mustWork(t, plain(t, u, dir, "/usr/bin/python3", "-m", "venv", "--without-pip", "venv"))
	}
}

func mustWork(t *testing.T, r result) {
	t.Helper()
	if r.status != 0 {
		t.Fatalf("status %d: %s%s", r.status, r.out, r.err)
	}
}

// TestPrograms: each works without sandrun and with the flags that the README
// names, and the same way; without one of them it is refused.
func TestPrograms(t *testing.T) {
	for _, e := range jobs {
		t.Run(e.name, func(t *testing.T) {
			require(t, e.needs)
			asEach(t, func(t *testing.T, u user, dir string) {
				e.works(t, u, dir+"/plain", func(dir string, step []string) result { return plain(t, u, dir, step...) })
				e.works(t, u, dir+"/granted", func(dir string, step []string) result {
					return sandboxed(t, u, dir, e.flags, step...)
				})
				if e.without != "" {
					e.isRefused(t, u, dir+"/refused")
				}
			})
		})
	}
}

// withoutProbe matches the records of what programs only try: the Java virtual
// machine makes a socket in order to see whether there is IPv6.
var withoutProbe = regexp.MustCompile(`(?m)^sandrun: denied Net \(java.*\n|^sandrun: hint: denials that are not in the records: .*\n`)

func (e job) works(t *testing.T, u user, dir string, run func(dir string, step []string) result) {
	t.Helper()
	prepare(t, e, u, dir)
	var last result
	for _, step := range e.steps {
		last = run(dir, step)
		last.err = withoutProbe.ReplaceAllString(last.err, "")
		if last.status != 0 || strings.Count(last.err, "sandrun: ") != strings.Count(last.err, sharedTmp) {
			t.Fatalf("%s: %q: status %d\n%s%s", filepath.Base(dir), step, last.status, last.out, last.err)
		}
	}
	if !strings.Contains(last.out, e.out) {
		t.Errorf("%s: no %q in\n%s%s", filepath.Base(dir), e.out, last.out, last.err)
	}
	if e.check != nil {
		e.check(t, dir)
	}
}

// isRefused leaves one permission out: some step must fail, and say why.
func (e job) isRefused(t *testing.T, u user, dir string) {
	t.Helper()
	prepare(t, e, u, dir)
	fewer := slices.DeleteFunc(slices.Clone(e.flags), func(f string) bool { return strings.HasPrefix(f, e.without) })
	if len(fewer) == len(e.flags) {
		t.Fatalf("no flag begins with %s", e.without)
	}
	for _, step := range e.steps {
		r := sandboxed(t, u, dir, fewer, step...)
		if r.status == 0 {
			continue
		}
		if !strings.Contains(r.out+r.err, e.refused) {
			t.Errorf("without %s, %q: status %d, no %q in\n%s%s", e.without, step, r.status, e.refused, r.out, r.err)
		}
		return
	}
	t.Errorf("without %s every step works", e.without)
}

func missing(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", path, err)
	}
}

// sameTree compares two trees: names, kinds, contents, modes, times, attributes.
func sameTree(t *testing.T, a, b string, attributes bool) {
	t.Helper()
	count := 0
	err := filepath.Walk(a, func(path string, _ os.FileInfo, err error) error {
		if err == nil {
			count++
			sameFile(t, path, b+strings.TrimPrefix(path, a), attributes)
		}
		return err
	})
	if err != nil || count != 5 {
		t.Errorf("%s holds %d files: %v", a, count, err)
	}
}

func sameFile(t *testing.T, a, b string, attributes bool) {
	t.Helper()
	x, errX := os.Lstat(a)
	y, errY := os.Lstat(b)
	if errX != nil || errY != nil {
		t.Error(errX, errY)
		return
	}
	if x.Mode() != y.Mode() {
		t.Errorf("%s has mode %v, %s has %v", a, x.Mode(), b, y.Mode())
	}
	if x.Mode()&os.ModeSymlink == 0 && !x.ModTime().Equal(y.ModTime()) {
		t.Errorf("%s is of %v, %s of %v", a, x.ModTime(), b, y.ModTime())
	}
	if !x.Mode().IsRegular() {
		return
	}
	p, errP := os.ReadFile(a)
	q, errQ := os.ReadFile(b)
	if errP != nil || errQ != nil || string(p) != string(q) {
		t.Errorf("%s holds %q %v, %s %q %v", a, p, errP, b, q, errQ)
	}
	if attributes && attribute(a) != attribute(b) {
		t.Errorf("%s has the attribute %q, %s has %q", a, attribute(a), b, attribute(b))
	}
}

func attribute(path string) string {
	buf := make([]byte, 64)
	n, err := unix.Getxattr(path, "user.origin", buf)
	if err != nil {
		return err.Error()
	}
	return string(buf[:n])
}

// TestDefaultStart: what a program needs in order to start holds no secret and no
// name of a user. Each reads a file that is not there too, to show that it looks.
func TestDefaultStart(t *testing.T) {
	const (
		python = "import sys\nfor f in '/none', '/etc/passwd':\n    try: print(len(open(f).read()), 'bytes')\n    except OSError as e: print(e.strerror)\n"
		perl   = "for ('/none', '/etc/passwd') { if (open(F, $_)) { my @l = <F>; print scalar(@l), \" bytes\\n\" } else { print \"$!\\n\" } }\n"
		ruby   = "['/none', '/etc/passwd'].each { |f| begin; puts \"#{File.read(f).size} bytes\"; rescue => e; puts e.message[/^[^@]*\\b/]; end }\n"
		node   = "for (const f of ['/none', '/etc/passwd']) try { console.log(require('fs').readFileSync(f).length, 'bytes') } " +
			"catch (e) { console.log({ENOENT: 'No such file or directory', EACCES: 'Permission denied'}[e.code]) }\n"
		shell = "for f in /none /etc/passwd; do e=$( { read x < $f; } 2>&1) && echo some bytes || echo \"${e##*: }\"; done\n"
		java  = "import java.nio.file.*; public class Read { public static void main(String[] a) { for (String f : new String[]{\"/none\", \"/etc/passwd\"}) " +
			"try { System.out.println(Files.readAllBytes(Path.of(f)).length + \" bytes\"); } catch (NoSuchFileException e) { System.out.println(\"No such file or directory\"); } " +
			"catch (AccessDeniedException e) { System.out.println(\"Permission denied\"); } catch (Exception e) { System.out.println(e); } } }\n"
	)
	for _, c := range []struct {
		name, file, content string
		flags, args         []string
	}{
		{"python -c", "", "", nil, []string{"/usr/bin/python3", "-c", python}},
		{"python script", "s.py", python, nil, []string{"/usr/bin/python3", "s.py"}},
		{"python by env", "e.py", "#!/usr/bin/env python3\n" + python, nil, []string{"./e.py"}},
		{"perl -e", "", "", nil, []string{"/usr/bin/perl", "-e", perl}},
		{"perl script", "s.pl", perl, nil, []string{"/usr/bin/perl", "s.pl"}},
		{"ruby -e", "", "", nil, []string{"/usr/bin/ruby", "-e", ruby}},
		{"node -e", "", "", []string{"--allow-worker"}, []string{"/usr/bin/node", "-e", node}},
		{"node script", "s.js", node, []string{"--allow-worker"}, []string{"/usr/bin/node", "s.js"}},
		{"bash with children", "", "", []string{"--allow-child-process"}, []string{"/usr/bin/bash", "-c", shell}},
		{"java source", "Read.java", java, []string{"--allow-worker"}, []string{"/usr/bin/java", "Read.java"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.args[0], "/") && needed[c.args[0]] != "" {
				require(t, c.args[0])
			}
			if c.name == "java source" {
				require(t, "/usr/bin/javac")
			}
			asEach(t, func(t *testing.T, u user, dir string) {
				if c.file != "" {
					write(t, u, dir+"/"+c.file, c.content, 0o755)
				}
				const noFile = "No such file or directory\n"
				if r := plain(t, u, dir, c.args...); !strings.HasPrefix(r.out, noFile) || !strings.HasSuffix(r.out, " bytes\n") {
					t.Errorf("without sandrun: %d %s%s", r.status, r.out, r.err)
				}
				if r := sandboxed(t, u, dir, c.flags, c.args...); r.status != 0 || r.out != noFile+"Permission denied\n" {
					t.Errorf("status %d: %s%s", r.status, r.out, r.err)
				}
				all := append([]string{"--allow-fs-read=@users"}, c.flags...)
				if r := sandboxed(t, u, dir, all, c.args...); !strings.HasSuffix(r.out, " bytes\n") {
					t.Errorf("with %v: status %d: %s%s", all, r.status, r.out, r.err)
				}
			})
		})
	}
}

// serve starts a server and waits until its output holds a text; it returns the
// line.
func serve(t *testing.T, c *exec.Cmd, text string) string {
	t.Helper()
	out, in := io.Pipe()
	c.Stdout, c.Stderr = in, in
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(unix.SIGTERM) // it may have ended
		ended(t, c)
		in.Close()
	})
	found := make(chan string, 1)
	go func() {
		var seen strings.Builder
		for lines := bufio.NewScanner(out); lines.Scan(); {
			seen.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), text) {
				found <- lines.Text()
				break
			}
		}
		_, _ = io.Copy(io.Discard, out) // what the server says later is its own
	}()
	select {
	case line := <-found:
		return line
	case <-time.After(patience):
		t.Fatalf("%q says no %q", c.Args, text)
		return ""
	}
}

// fetch asks for a page over HTTP, from inside.
const fetch = `import http.client, sys
c = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=20)
c.request('GET', '/page.txt')
r = c.getresponse()
print(r.status, r.read().decode())`

// asks lets a client in the sandbox ask a server.
func asks(t *testing.T, u user, dir, host, port string) {
	t.Helper()
	client := []string{"/usr/bin/python3", "-c", fetch, host, port}
	mustWork(t, plain(t, u, dir, client...))
	if r := sandboxed(t, u, dir, []string{"--allow-net"}, client...); r.status != 0 || r.out != "200 a page\n\n" {
		t.Errorf("a client with --allow-net: status %d: %s%s", r.status, r.out, r.err)
	}
	if r := sandboxed(t, u, dir, nil, client...); r.status != 1 || !strings.Contains(r.err, "[Errno 1] Operation not permitted") {
		t.Errorf("a client without --allow-net: status %d: %s%s", r.status, r.out, r.err)
	}
}

// TestPythonServes runs both sides of a connection in sandboxes.
func TestPythonServes(t *testing.T) {
	require(t, "/usr/bin/python3")
	asEach(t, func(t *testing.T, u user, dir string) {
		write(t, u, dir+"/page.txt", "a page\n", 0o644)
		args := []string{"/usr/bin/python3", "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"}
		refused := sandboxed(t, u, dir, []string{"--allow-worker", "--allow-fs-read=."}, args...)
		if refused.status != 1 || !strings.Contains(refused.err, "[Errno 1] Operation not permitted") {
			t.Errorf("a server without --allow-net: status %d: %s%s", refused.status, refused.out, refused.err)
		}
		c := command(u, dir, append([]string{sandrun, "--allow-net", "--allow-worker", "--allow-fs-read=.", "--"}, args...)...)
		line := serve(t, c, "Serving HTTP on 127.0.0.1 port")
		var port int
		if _, err := fmt.Sscanf(line, "Serving HTTP on 127.0.0.1 port %d", &port); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		asks(t, u, dir, "127.0.0.1", fmt.Sprint(port))
		byName := []string{"/usr/bin/python3", "-c", fetch, "localhost", fmt.Sprint(port)}
		if r := sandboxed(t, u, dir, []string{"--allow-net"}, byName...); r.status != 0 {
			t.Errorf("by name: status %d: %s%s", r.status, r.out, r.err)
		}
	})
}

// TestNginxServes runs a server that has modules, temporary directories and its
// own worker process.
func TestNginxServes(t *testing.T) {
	require(t, "/usr/sbin/nginx")
	require(t, "/usr/bin/python3")
	for name, extra := range map[string][]string{"one process": nil, "master and worker": {"--allow-child-process"}} {
		t.Run(name, func(t *testing.T) {
			asEach(t, func(t *testing.T, u user, dir string) {
				port := freePort(t)
				conf := "daemon off; pid run/pid; error_log stderr notice;\n"
				if extra == nil {
					conf += "master_process off;\n"
				}
				if u.name == "root" {
					conf += "user root root;\n" // without capabilities it cannot become another
				}
				conf += "events {}\nhttp { access_log off; "
				for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
					conf += name + "_temp_path run/" + name + "; "
				}
				conf += "server { listen 127.0.0.1:" + port + "; root www; } }\n"
				write(t, u, dir+"/nginx.conf", conf, 0o644)
				write(t, u, dir+"/www/page.txt", "a page\n", 0o644)
				flags := append([]string{sandrun, "--allow-net", "--allow-fs-read=.", "--allow-fs-write=run/", "--allow-fs-read=@users"}, extra...)
				c := command(u, dir, append(flags, "--", "/usr/sbin/nginx", "-p", dir+"/", "-c", "nginx.conf")...)
				ready := "using the \"epoll\" event method"
				if extra != nil {
					ready = "start worker process "
				}
				serve(t, c, ready)
				asks(t, u, dir, "127.0.0.1", port)
			})
		})
	}
}

// freePort finds a TCP port that nothing listens on. The kernel hands out such
// ports in turn, so that it stays free for a while.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestManyArguments: there are as many as the kernel takes.
func TestManyArguments(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		args := make([]string, 20_000)
		for i := range args {
			args[i] = "x"
		}
		r := sandboxed(t, u, dir, nil, append([]string{"/bin/sh", "-c", "echo $#", "sh"}, args...)...)
		if r.out != "20000\n" || r.status != 0 {
			t.Errorf("status %d: %s%s", r.status, r.out, r.err)
		}
	})
}

// TestLogKnowsUnixSockets: what a C library asks of a name service by a unix socket is
// no reason to grant the network.
func TestLogKnowsUnixSockets(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		r := sandboxed(t, u, dir, []string{"--onerror=log", "--explain"}, "/usr/bin/id")
		if r.status != 0 || strings.Contains(r.err, "--allow-net") || !strings.Contains(r.err, "--allow-fs-read=") {
			t.Errorf("status %d: %s%s", r.status, r.out, r.err)
		}
	})
}
