//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a terminal is waited for; it is only used up by a failure.
const patience = 20 * time.Second

// prompt is what the shells in a terminal print when they want a line.
const prompt = "ready> "

// up is what the probe prints when it was told to "echo up".
const up = "up\r\nok\r\n"

// A terminal is a pseudo terminal whose session is led by a program.
type terminal struct {
	t      *testing.T
	master *os.File
	name   string // of the side that the program has
	leader *exec.Cmd
	modes  *unix.Termios // before the program started

	mu   sync.Mutex
	seen []byte        // what was written and not yet expected
	all  []byte        // everything that was written
	more chan struct{} // a sign that there is more to see
}

// newTerminal opens a pseudo terminal that the user owns, and starts a program as
// the leader of a session that it controls.
func newTerminal(t *testing.T, u user, dir string, args ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &terminal{t: t, master: master, more: make(chan struct{}, 1), leader: command(u, dir, args...)}
	t.Cleanup(s.close)
	number, err := unix.IoctlGetUint32(s.fd(), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(s.fd(), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	s.name = fmt.Sprintf("/dev/pts/%d", number)
	own(t, u, s.name)
	if err := unix.IoctlSetWinsize(s.fd(), unix.TIOCSWINSZ, &unix.Winsize{Row: 41, Col: 183}); err != nil {
		t.Fatal(err)
	}
	s.start()
	return s
}

// fd is the descriptor of the master; Fd would make it blocking.
func (s *terminal) fd() (fd int) {
	raw, err := s.master.SyscallConn()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := raw.Control(func(n uintptr) { fd = int(n) }); err != nil {
		s.t.Fatal(err)
	}
	return fd
}

func (s *terminal) start() {
	s.t.Helper()
	slave, err := os.OpenFile(s.name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer slave.Close()
	if s.modes, err = unix.IoctlGetTermios(s.fd(), unix.TCGETS); err != nil {
		s.t.Fatal(err)
	}
	c := s.leader
	c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
	c.Env = append(c.Env, "TERM=dumb", "PS1="+prompt)
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.Setsid, c.SysProcAttr.Setctty = true, true
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	go s.read()
}

// read collects what is written until the last holder of the terminal is gone.
func (s *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := s.master.Read(buf)
		s.mu.Lock()
		s.seen, s.all = append(s.seen, buf[:n]...), append(s.all, buf[:n]...)
		s.mu.Unlock()
		select {
		case s.more <- struct{}{}:
		default: // the sign is up already
		}
		if err != nil {
			return
		}
	}
}

// expect waits until a text is written, and returns what came before it.
func (s *terminal) expect(text string) string {
	s.t.Helper()
	timeout := time.After(patience)
	for {
		s.mu.Lock()
		before, after, found := bytes.Cut(s.seen, []byte(text))
		if found {
			s.seen = after
		}
		s.mu.Unlock()
		if found {
			return string(before)
		}
		select {
		case <-s.more:
		case <-timeout:
			s.t.Fatalf("%q is not written within %v; all of it: %q", text, patience, s.all)
		}
	}
}

// press types what has no line end: a control character.
func (s *terminal) press(keys string) {
	s.t.Helper()
	if _, err := s.master.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// do types a command at a prompt that was seen, and waits for a text.
func (s *terminal) do(line, text string) string {
	s.t.Helper()
	s.press(line + "\n")
	s.expect("\n") // the echo of the line
	return s.expect(text)
}

// lastStatus asks the shell at its prompt how the last command ended.
func (s *terminal) lastStatus(want int) {
	s.t.Helper()
	s.do("echo status=$?.", fmt.Sprintf("status=%d.", want))
	s.expect(prompt)
}

// end waits for the leader and returns its status.
func (s *terminal) end() int {
	s.t.Helper()
	return statusOf(ended(s.t, s.leader))
}

// intact compares the modes of the terminal with those before the program.
func (s *terminal) intact() {
	s.t.Helper()
	now, err := unix.IoctlGetTermios(s.fd(), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	if *now != *s.modes {
		s.t.Errorf("the terminal's modes are %+v, they were %+v", *now, *s.modes)
	}
}

// close ends what a failed test left behind.
func (s *terminal) close() {
	if c := s.leader; c.Process != nil && c.ProcessState == nil {
		_ = c.Process.Kill() // it may have ended
		_ = c.Wait()
	}
	s.master.Close()
}

// interactive is a bash as people have it, but for its startup files.
var interactive = []string{"/usr/bin/bash", "--norc", "--noprofile", "--noediting", "-i"}

// aboveSandrun starts an interactive bash in which sandrun will be run.
func aboveSandrun(t *testing.T, u user, dir string) *terminal {
	t.Helper()
	s := newTerminal(t, u, dir, interactive...)
	s.expect(prompt)
	return s
}

// leave ends the shell at its prompt.
func (s *terminal) leave(status int) {
	s.t.Helper()
	s.press(fmt.Sprintf("exit %d\n", status))
	if got := s.end(); got != status {
		s.t.Errorf("the terminal's program ended with %d, want %d; all of it: %q", got, status, s.all)
	}
	s.intact()
}

// ways are the flags of a direct and of a supervised launch; plan says that they
// are what they are called.
var ways = map[string]string{"direct": "--allow-addons", "supervised": ""}

// A line is what is typed to run a command under sandrun with some flags.
type line func(flags, command string) string

func inTerminals(t *testing.T, f func(t *testing.T, u user, dir string, run line)) {
	t.Helper()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			asEach(t, func(t *testing.T, u user, dir string) {
				plan := plain(t, u, dir, append(strings.Fields(sandrun+" plan "+way), "--", "/usr/bin/sleep")...)
				if !strings.Contains(plan.out, name) {
					t.Fatalf("the launch is not %s:\n%s%s", name, plan.out, plan.err)
				}
				f(t, u, dir, func(flags, command string) string {
					return "sandrun " + way + " " + flags + " -- " + command
				})
			})
		})
	}
}

// TestKeysEndTheTarget: what the terminal sends reaches the target once, and the
// shell above sees that the job was killed by it.
func TestKeysEndTheTarget(t *testing.T) {
	inTerminals(t, func(t *testing.T, u user, dir string, run line) {
		s := aboveSandrun(t, u, dir)
		for _, key := range []struct {
			press  string
			signal unix.Signal
		}{{"\x03", unix.SIGINT}, {"\x1c", unix.SIGQUIT}} {
			s.do(run("", "probe echo up , sleep 600000"), up)
			s.press(key.press)
			s.expect(prompt)
			s.lastStatus(128 + int(key.signal))
		}
		s.do(run("", "/usr/bin/sleep 0.01"), prompt)
		s.lastStatus(0)
		s.leave(0)
	})
}

// TestKeyIsReceivedOnce counts the interrupts that a target handles.
func TestKeyIsReceivedOnce(t *testing.T) {
	inTerminals(t, func(t *testing.T, u user, dir string, run line) {
		s := aboveSandrun(t, u, dir)
		const count = `$n = 0; $| = 1; $SIG{INT} = sub { $n++ }; print "u" . "p\n"; ` +
			`while (<STDIN>) { print "total-$n\n" }`
		s.do(run("", "/usr/bin/perl -e '"+count+"'"), "up")
		for n := 1; n <= 3; n++ {
			// perl may run its handler only when it has read something.
			s.press("\x03\n")
			s.expect(fmt.Sprintf("total-%d\r\n", n))
		}
		s.press("\x04")
		s.expect(prompt)
		s.lastStatus(0)
		s.leave(0)
	})
}

// TestStopAndContinue stops a target by a key, and continues it in the foreground
// and in the background.
func TestStopAndContinue(t *testing.T) {
	inTerminals(t, func(t *testing.T, u user, dir string, run line) {
		s := aboveSandrun(t, u, dir)
		s.do(run("", "/usr/bin/sed -u s/^/got-/"), "")
		s.do("one", "got-one")
		for range 3 {
			s.press("\x1a")
			s.expect("Stopped")
			s.expect(prompt)
			s.do("jobs", "Stopped")
			s.expect(prompt)
			s.do("fg", "sed")
			s.do("two", "got-two")
		}
		s.press("\x04")
		s.expect(prompt)
		s.lastStatus(0)

		for range 3 {
			s.do(run("", "probe echo up , sleep 600000"), up)
			s.press("\x1a")
			s.expect("Stopped")
			s.expect(prompt)
			s.do("bg", prompt)
			s.do("jobs", "Running")
			s.expect(prompt)
			s.do("kill %1; wait %1", prompt)
			s.lastStatus(128 + int(unix.SIGTERM))
		}
		s.leave(0)
	})
}

// TestBackground: a job in the background runs, writes, and is not stopped.
func TestBackground(t *testing.T) {
	inTerminals(t, func(t *testing.T, u user, dir string, run line) {
		s := aboveSandrun(t, u, dir)
		s.do(run("", "probe echo up , sleep 600000 &"), "up")
		s.expect("ok") // the shell's prompt may come before, between, or after
		s.do("jobs", "Running")
		s.expect(prompt)
		s.do("kill %1; wait %1", prompt)
		s.lastStatus(128 + int(unix.SIGTERM))
		s.do(run("", "probe echo up , exit 9 & wait $!"), prompt)
		s.lastStatus(9)
		s.leave(0)
	})
}

// TestShellInside runs an interactive shell in the sandbox: it has job control,
// and an interrupt ends the job in the foreground and nothing else.
func TestShellInside(t *testing.T) {
	shells := map[string][]string{"bash": interactive, "dash": {"/usr/bin/dash", "-i"}}
	for name, shell := range shells {
		for way, flags := range ways {
			t.Run(name+" "+way, func(t *testing.T) {
				asEach(t, func(t *testing.T, u user, dir string) {
					args := strings.Fields(sandrun + " " + insideFlags() + " " + flags)
					s := newTerminal(t, u, dir, append(append(args, "--"), shell...)...)
					s.expect(prompt)
					runJobs(s)
					s.leave(7)
				})
			})
		}
	}
}

// insideFlags are what a shell with jobs needs; the probe is one of them.
func insideFlags() string {
	return "--allow-child-process --allow-env=PS1 --allow-fs-read=" + binDir
}

// runJobs works with jobs at a prompt.
func runJobs(s *terminal) {
	s.t.Helper()
	s.do(probe+" echo up , sleep 600000", up)
	s.press("\x03")
	s.expect(prompt)
	s.lastStatus(128 + int(unix.SIGINT))

	// An interactive dash ignores SIGTERM, and so does its child until it is up.
	s.do(probe+" echo up , sleep 600000 &", "up")
	s.expect("ok") // the shell's prompt may come before, between, or after
	s.do("jobs", "Running")
	s.expect(prompt)
	s.do("echo a | /usr/bin/sed -u s/a/b/; "+probe+" echo up , sleep 600000", "b\r\n"+up)
	s.press("\x03")
	s.expect(prompt)
	s.do("jobs", "Running") // the job in the background got no interrupt
	s.expect(prompt)
	s.do("kill %1; wait %1", prompt)
	s.lastStatus(128 + int(unix.SIGTERM))

	s.do("/usr/bin/sed -u s/^/got-/", "")
	s.do("one", "got-one")
	s.press("\x1a")
	s.expect("Stopped")
	s.expect(prompt)
	s.do("fg", "sed")
	s.do("two", "got-two")
	s.press("\x04")
	s.expect(prompt)
	s.do("(exit 5)", prompt)
	s.lastStatus(5)
}

// TestWatchedExecIsNoStop: where contents are pinned sandrun traces what executes, whose
// stops are none by which a terminal stops a job.
func TestWatchedExecIsNoStop(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		p := newPinned(t, u, map[string]string{"again": "#!/bin/sh\n[ $1 = 0 ] && exit 7\nexec ./again $(($1-1))\n"})
		p.permits = childGrants
		s := newTerminal(t, u, p.dir, sandrun, "--policy", p.manifest(t), "--", "./again", "50")
		if got := s.end(); got != 7 {
			t.Errorf("status %d: %q", got, s.all)
		}
	})
}

// TestShellInShell: the terminal goes back to the shell above when the one in the
// sandbox ends.
func TestShellInShell(t *testing.T) {
	inTerminals(t, func(t *testing.T, u user, dir string, run line) {
		s := aboveSandrun(t, u, dir)
		s.do(run(insideFlags(), strings.Join(interactive, " ")), prompt)
		runJobs(s)
		s.do("exit 7", prompt)
		s.lastStatus(7)
		runJobs(s)
		s.leave(0)
	})
}

// TestModesStayIntact: a line editor changes the terminal's modes and puts them
// back; a target that is killed has changed none.
func TestModesStayIntact(t *testing.T) {
	inTerminals(t, func(t *testing.T, u user, dir string, run line) {
		s := aboveSandrun(t, u, dir)
		s.do(run("--allow-env=PS1", "/usr/bin/bash --norc --noprofile -i"), prompt)
		s.press("echo edited=$((40+2))\n")
		s.expect("edited=42")
		s.expect(prompt)
		s.press("exit 3\n")
		s.expect(prompt)
		s.lastStatus(3)
		s.intact()
		s.do(run("", "/usr/bin/stty -echo -icanon"), prompt)
		if now, err := unix.IoctlGetTermios(s.fd(), unix.TCGETS); err != nil || now.Lflag&(unix.ECHO|unix.ICANON) != 0 {
			s.t.Errorf("stty changes nothing: %v %+v", err, now)
		}
		s.press(run("", "/usr/bin/stty echo icanon\n"))
		s.expect(prompt)
		s.do(run("", "probe echo up , sleep 600000"), up)
		s.press("\x03")
		s.expect(prompt)
		s.leave(0)
	})
}

// TestTerminalInside asks programs about the terminal, and opens it by its names.
func TestTerminalInside(t *testing.T) {
	inTerminals(t, func(t *testing.T, u user, dir string, run line) {
		s := aboveSandrun(t, u, dir)
		for _, c := range []struct{ line, want string }{
			{"/usr/bin/tty", s.name + "\r\n"},
			{"/usr/bin/stty size", "41 183\r\n"},
			{"/usr/bin/stty size -F /dev/tty", "41 183\r\n"},
			{"/usr/bin/stty size -F " + s.name, "41 183\r\n"},
			{`/usr/bin/dash -c 'echo wri""tten > /dev/tty'`, "written\r\n"},
			{`/usr/bin/dash -c 'echo wri""tten > ` + s.name + `'`, "written\r\n"},
			{`/usr/bin/dash -c 'read line < /dev/tty; echo "got $line"'` + "\nsomething", "got something\r\n"},
			{`/usr/bin/python3 -c 'import os; print(os.get_terminal_size())'`, "columns=183, lines=41"},
			// Through files a program gets no terminal, though its session has one.
			{`/usr/bin/dash -c 'echo x > /dev/tty' </dev/null >err 2>&1; cat err`, "Permission denied\r\n"},
			{`/usr/bin/dash -c 'echo x > ` + s.name + `' </dev/null >err 2>&1; cat err`, "Permission denied\r\n"},
		} {
			s.do(run("", c.line), c.want)
			s.expect(prompt)
		}
		s.leave(0)
	})
}

// TestTypingIsRefused: a target cannot type into the terminal of its user. The
// kernel looks at the low 32 bits of a request only.
func TestTypingIsRefused(t *testing.T) {
	inTerminals(t, func(t *testing.T, u user, dir string, run line) {
		s := aboveSandrun(t, u, dir)
		const others = "--allow-child-process --allow-worker --allow-inspector --allow-net --allow-fs-read=* --allow-fs-write=*"
		for _, request := range []uint64{unix.TIOCSTI, unix.TIOCSTI | 1<<32, unix.TIOCSTI | 0xffffffff<<32, unix.TIOCLINUX, unix.TIOCLINUX | 1<<63} {
			for _, flags := range []string{"", others} {
				s.do(run(flags, fmt.Sprintf("probe ioctl 0 %#x", request)), "EPERM\r\n")
				s.expect(prompt)
			}
		}
		if u.name == "root" { // others need the dev.tty.legacy_tiocsti of old kernels
			s.do(fmt.Sprintf("probe ioctl 0 %#x", uint64(unix.TIOCSTI|1<<32)), "ok\r\n")
			s.expect(prompt)
			s.press("\x15") // the x that was typed
		}
		s.leave(0)
	})
}

// TestHint: after a failure a person at a terminal is told what to ask; a program
// that reads the messages is not.
func TestHint(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		write(t, u, dir+"/notes.txt", "x", 0o644)
		s := aboveSandrun(t, u, dir)
		const hint = "sandrun: hint: cat ended with status 1"
		got := s.do("sandrun -- /usr/bin/cat notes.txt", prompt)
		const explain = "; if it was refused something, --explain shows what"
		if !strings.Contains(got, hint+explain+", or ask: sandrun check fs.read notes.txt\r\n") {
			t.Errorf("no hint on a terminal: %q", got)
		}
		got = s.do("sandrun --allow-fs-read=. -- /usr/bin/grep -q nothing notes.txt", prompt)
		if !strings.Contains(got, "sandrun: hint: grep ended with status 1"+explain+"\r\n") {
			t.Errorf("no hint where every argument is granted: %q", got)
		}
		for _, line := range []string{
			"sandrun -- /usr/bin/cat notes.txt 2>&1 | cat",
			"sandrun --quiet -- /usr/bin/cat notes.txt",
			"sandrun --allow-fs-read=. -- /usr/bin/cat notes.txt",
			"sandrun --allow-fs-read=. --quiet -- /usr/bin/grep -q nothing notes.txt",
		} {
			if got := s.do(line, prompt); strings.Contains(got, "hint") {
				t.Errorf("%s: a hint: %q", line, got)
			}
		}
		s.leave(0)
	})
}
