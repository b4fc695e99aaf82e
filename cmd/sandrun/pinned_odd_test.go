//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestOddResources: what cannot be verified is refused at once, and nothing waits.
func TestOddResources(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		p := newPinned(t, u, map[string]string{"data": "right", "empty": "", "secret": "s"})
		p.permits = `"allow-fs-read": ["./"], "allow-fs-write": ["./"]`
		for _, name := range []string{"fifo", "null", "dir", "socket", "later", "sparse", "big"} {
			p.resources["./"+name] = sri(t, "sha256", "right")
		}
		must(t, unix.Mkfifo(p.dir+"/fifo", 0o666))
		must(t, os.Symlink("/dev/null", p.dir+"/null"))
		l, err := net.Listen("unix", p.dir+"/socket")
		must(t, err)
		defer l.Close()
		for name, size := range map[string]int64{"sparse": 1 << 30, "big": 256<<20 + 1} {
			must(t, os.WriteFile(p.dir+"/"+name, nil, 0o644))
			must(t, os.Truncate(p.dir+"/"+name, size))
		}
		must(t, chownAll(u, p.dir))
		must(t, os.Chmod(p.dir+"/secret", 0))
		start := time.Now()
		p.tell(t, step{"open empty O_RDONLY; read 3; fstat 3; open data O_RDONLY", "3; ; *; 4", nil},
			step{"open fifo O_RDONLY; open fifo O_WRONLY; open fifo O_RDWR; openat2 AT_FDCWD fifo O_RDONLY; open fifo O_RDONLY|O_NONBLOCK", "EACCES; EACCES; EACCES; EACCES; EACCES", nil},
			step{outside: func(dir string) error { return os.Mkdir(dir+"/dir", 0o755) }}, // one that was there would end the launch
			step{"open null O_RDONLY; open dir O_RDONLY|O_DIRECTORY; open dir O_RDONLY; open socket O_RDONLY; openat2 AT_FDCWD socket O_RDONLY", "EACCES; EACCES; EACCES; EACCES; EACCES", nil},
			step{"open sparse O_RDONLY; open big O_RDONLY; openat2 AT_FDCWD big O_RDONLY; open secret O_RDONLY", "EACCES; EACCES; EACCES; EACCES", nil},
			step{"open later O_RDONLY; open later O_WRONLY|O_CREAT 0644; open later O_RDONLY|O_CREAT 0644; mknod later S_IFREG|0644 0; open later O_RDONLY", "ENOENT; EACCES; EACCES; 0; EACCES", nil},
			step{outside: replaced("later", "right")}, step{"open later O_RDONLY; read 3", "3; right", nil})
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// TestLeaseOnAPinnedFile: a lease keeps sandrun from the file; the kernel would
// wait for the holder and then open what is not right.
func TestLeaseOnAPinnedFile(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		p := newPinned(t, u, map[string]string{"data": "right"})
		var f *os.File
		lease := func(dir string) (err error) {
			if err = written("data", "wrong")(dir); err != nil {
				return err
			}
			if f, err = os.OpenFile(dir+"/data", os.O_RDWR, 0); err != nil {
				return err
			}
			for range 1000 { // a test beside this one may fork, and have it open too until it execs
				if _, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err == nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			return err
		}
		p.tell(t, step{"open data O_RDONLY; read 3", "3; right", nil}, step{outside: lease},
			step{"open data O_RDONLY; openat2 AT_FDCWD data O_RDONLY; open data O_RDONLY|O_NONBLOCK", "EACCES; EACCES; EACCES", nil},
			step{outside: func(string) error { return f.Close() }}, step{outside: written("data", "right")}, step{"open data O_RDONLY; read 3", "3; right", nil})
	})
}

// TestCopiesAreNoPrograms: the copy of a listed file lies in no mount, so that a
// program list has to hold for it in another way.
func TestCopiesAreNoPrograms(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		p := newPinned(t, u, map[string]string{"tool": compiled(t, "EVIL", "-static", "-nostdlib", "-DBARE"), "tool.sh": "#!/bin/sh\necho EVIL\n"})
		for _, child := range []string{`["/bin/true"]`, "true"} {
			p.permits = `"allow-fs-read": ["./", "/proc/self", "/dev/fd"], "allow-fs-write": ["*"], "allow-addons": true, "allow-child-process": ` + child
			for _, name := range []string{"tool", "tool.sh"} {
				p.tell(t, step{"open " + name + " O_RDONLY; execveat 3 @empty AT_EMPTY_PATH; exec /proc/self/fd/3; exec /dev/fd/3", "3; EACCES; EACCES; EACCES", nil})
			}
		}
	})
}

// TestFewDescriptors: the copies that are kept take descriptors, and there are
// enough for what is not kept.
func TestFewDescriptors(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		files := map[string]string{}
		for i := range 300 {
			files[fmt.Sprintf("f%03d", i)] = fmt.Sprintf("right %d\n", i)
		}
		p := newPinned(t, u, files)
		p.permits = `"allow-fs-read": ["./", "@system"]`
		for _, limit := range []string{"64", "256", "4096"} {
			r := finish(t, command(u, p.dir, "/bin/sh", "-c", "ulimit -n "+limit+`; exec "$@"`, "sh", sandrun, "--policy", p.manifest(t), "--", "/bin/sh", "-c",
				`for round in 1 2; do for f in f*; do read x <$f && echo "$x"; done; done`))
			if strings.Count(r.out, "right ") != 600 || r.status != 0 {
				t.Errorf("limit %s: status %d, %d right: %s", limit, r.status, strings.Count(r.out, "right "), r.err)
			}
		}
	})
}

// TestUndumpableCallers: sandrun cannot read the arguments of a process that lets
// nobody do so. The kernel must not be let go on with them.
func TestUndumpableCallers(t *testing.T) {
	prctl := map[string]int{"amd64": 157, "arm64": 167}[runtime.GOARCH]
	asEach(t, func(t *testing.T, u user, _ string) {
		p := newPinned(t, u, map[string]string{"data": "right"})
		must(t, written("data", "wrong")(p.dir))
		r := p.run(t, "perl", "-e", fmt.Sprintf(`syscall(%d, 4, 0, 0, 0, 0) == 0 or die; open(F, '<', 'data') or die "open: $!"; print <F>`, prctl))
		if strings.Contains(r.out, "wrong") || !strings.Contains(r.err, "open: Permission denied") {
			t.Errorf("status %d: %s%s", r.status, r.out, r.err)
		}
	})
}

// TestAllOfSeveralDigests: the strongest algorithm decides, any of its digests will
// do, and where two keys are one file both must hold.
func TestAllOfSeveralDigests(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		right := func(algorithm string) string { return sri(t, algorithm, "right") }
		wrong := func(algorithm string) string { return sri(t, algorithm, "wrong") }
		for digests, want := range map[string]string{
			right("sha256"): "3", wrong("sha256") + " " + right("sha256"): "3", right("sha256") + " " + wrong("sha512"): "EACCES",
			wrong("sha256") + " " + right("sha384"): "3", right("sha512") + " " + wrong("sha384"): "3", wrong("sha256"): "EACCES", right("sha384") + "?any": "3",
		} {
			p := newPinned(t, u, map[string]string{"data": "right"})
			p.resources["./data"] = digests
			p.tell(t, step{"open data O_RDONLY", want, nil})
		}
		for _, second := range []string{"link", "hard"} {
			for first, want := range map[string]string{right("sha384"): "EACCES", wrong("sha384"): "EACCES"} {
				p := names(t, u)
				p.resources["./data"] = first
				p.resources["./"+second] = map[bool]string{true: wrong("sha256"), false: right("sha256")}[first == right("sha384")]
				p.tell(t, step{"open data O_RDONLY; open link O_RDONLY; open hard O_RDONLY", want + "; " + want + "; " + want, nil})
			}
		}
	})
}

// TestInheritedPin: a listed file that comes in as a descriptor is verified as well.
func TestInheritedPin(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		for onError, status := range map[string]int{"throw": 126, "exit": 77, "log": 0} {
			p := newPinned(t, u, map[string]string{"data": "one\ntwo\n"})
			p.onError = onError
			script := func(command string) result {
				return plain(t, u, p.dir, "/bin/sh", "-c", strings.ReplaceAll(command, "RUN", sandrun+" --policy "+p.manifest(t)+" --"))
			}
			for command, want := range map[string]string{
				"RUN /bin/cat <data":                               "one\ntwo\n",
				"{ read line; RUN /bin/cat; } <data":               "two\n",
				"RUN /bin/cat <p.json >/dev/null":                  "",
				"RUN /bin/cat /dev/fd/0 <data":                     "one\ntwo\n",
				"ln data hard; RUN /bin/cat <hard":                 "one\ntwo\n",
				"RUN /usr/bin/stat -L -c %h /dev/stdin <data":      "0\n", // the copy has no name
				"cp data copy; RUN /usr/bin/stat -c %h -L - <copy": "1\n",
			} {
				if r := script(command); r.status != 0 || r.out != want {
					t.Errorf("%s: %s: status %d: %s%s", onError, command, r.status, r.out, r.err)
				}
			}
			if r := script("exec <data; printf 'one\\ntwo\\n' >new; mv data old; rm old; mv new data; RUN /bin/cat"); r.status != 0 || r.out != "one\ntwo\n" {
				t.Errorf("%s: a descriptor of a removed file: status %d: %s%s", onError, r.status, r.out, r.err)
			}
			if r := script("echo three >other; mv other data; exec <data; printf 'one\\ntwo\\n' >new; mv new data; RUN /bin/cat >/dev/null"); r.status != status || !strings.Contains(r.err, code) {
				t.Errorf("%s: a wrong descriptor of a removed file: status %d: %s%s", onError, r.status, r.out, r.err)
			}
			for _, command := range []string{"RUN /bin/echo x <>data", "RUN /bin/echo x >>data", "echo three >>data; RUN /bin/cat <data >/dev/null"} {
				if r := script(command); r.status != status || !strings.Contains(r.err, code) || !strings.Contains(r.err, "descriptor ") {
					t.Errorf("%s: %s: status %d: %s%s", onError, command, r.status, r.out, r.err)
				}
			}
		}
	})
}
