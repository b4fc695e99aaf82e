//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// modes are flags that lead to a direct and to a supervised launch; the first
// needs the static probe or --allow-addons.
var modes = map[string][]string{
	"direct":     {"--allow-addons", "--allow-fs-read=/proc"},
	"supervised": {"--allow-fs-read=/proc"},
}

func inModes(t *testing.T, f func(t *testing.T, u user, dir string, flags []string)) {
	t.Helper()
	for name, flags := range modes {
		t.Run(name, func(t *testing.T) {
			asEach(t, func(t *testing.T, u user, dir string) { f(t, u, dir, flags) })
		})
	}
}

// TestStatusOfTheTarget reads what the kernel says of a process in the sandbox.
func TestStatusOfTheTarget(t *testing.T) {
	inModes(t, func(t *testing.T, u user, dir string, flags []string) {
		r := sandboxed(t, u, dir, flags, probe, "cat", "/proc/thread-self/status")
		want := []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapInh:\t0000000000000000", "CapAmb:\t0000000000000000"}
		if u.name == "root" {
			want = append(want, "CapBnd:\t0000000000000000")
		}
		for _, w := range want {
			if !strings.Contains(r.out, w+"\n") {
				t.Errorf("no %q in\n%s%s", w, r.out, r.err)
			}
		}
	})
}

// TestDescriptors: nothing but 0 to 2 is inherited, nothing of sandrun's own.
func TestDescriptors(t *testing.T) {
	inModes(t, func(t *testing.T, u user, dir string, flags []string) {
		secret, err := os.Open("/etc/passwd")
		if err != nil {
			t.Fatal(err)
		}
		defer secret.Close()
		c := command(u, dir, append(append([]string{sandrun}, flags...), "--", probe, "fds")...)
		c.ExtraFiles = []*os.File{secret, secret}
		if r := finish(t, c); r.out != "0 1 2 \nok\n" {
			t.Errorf("descriptors: %s%s", r.out, r.err)
		}
		closed := "exec <&- >/dev/null; exec sandrun " + strings.Join(flags, " ") + " -- probe read /proc/self/fd/0 2>&1 >" + dir + "/out; "
		r := plain(t, u, dir, "/bin/sh", "-c", closed)
		out, err := os.ReadFile(dir + "/out")
		if err != nil || string(out) != "ok\n" {
			t.Errorf("a closed standard input: %q %v %s", out, err, r.err)
		}
	})
}

// TestLimitsAndMask: what the caller set stays, core files are off.
func TestLimitsAndMask(t *testing.T) {
	inModes(t, func(t *testing.T, u user, dir string, flags []string) {
		script := "ulimit -S -n 77; umask 027; exec sandrun " + strings.Join(flags, " ") +
			fmt.Sprintf(" -- probe umask , rlimit %d , rlimit %d", unix.RLIMIT_NOFILE, unix.RLIMIT_CORE)
		r := plain(t, u, dir, "/bin/sh", "-c", script)
		if !strings.HasPrefix(r.out, "027\nok\n77 ") || !strings.Contains(r.out, "\n1 1\nok\n") {
			t.Errorf("%s%s", r.out, r.err)
		}
	})
}

// TestIgnoredSignalsStayIgnored runs the target below a shell that ignores them.
func TestIgnoredSignalsStayIgnored(t *testing.T) {
	inModes(t, func(t *testing.T, u user, dir string, flags []string) {
		for _, s := range []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU} {
			script := fmt.Sprintf("trap '' %d; exec sandrun %s -- probe ignored %d", s, strings.Join(flags, " "), s)
			if r := plain(t, u, dir, "/bin/sh", "-c", script); r.verdict() != "ok" {
				t.Errorf("%v: %s%s", s, r.out, r.err)
			}
			if r := sandboxed(t, u, dir, flags, probe, "ignored", fmt.Sprint(int(s))); r.verdict() != "ENOENT" {
				t.Errorf("%v is ignored without cause: %s%s", s, r.out, r.err)
			}
		}
	})
}

// TestEnvironment: the keep-list passes, secrets and loader variables do not.
func TestEnvironment(t *testing.T) {
	inModes(t, func(t *testing.T, u user, dir string, flags []string) {
		for _, c := range []struct {
			name  string
			flags []string
			kept  bool
		}{
			{"LANG", nil, true},
			{"LC_TIME", nil, true},
			{"SECRET_TOKEN", nil, false},
			{"LANGUAGES", nil, false},
			{"SECRET_TOKEN", []string{"--allow-env=SECRET_*"}, true},
			{"SECRET_TOKEN", []string{"--allow-env=SECRET"}, false},
			{"SECRET_TOKEN", []string{"--allow-env"}, true},
			{"LD_PRELOAD", nil, false},
			{"GCONV_PATH", nil, false},
			{"LD_BIND_NOW", []string{"--allow-env=LD_BIND_NOW", "--allow-addons"}, true},
		} {
			cmd := command(u, dir, append(append(append([]string{sandrun}, flags...), c.flags...), "--", probe, "getenv", c.name)...)
			cmd.Env = append(cmd.Env, c.name+"=")
			r := finish(t, cmd)
			if (r.verdict() == "ok") != c.kept {
				t.Errorf("%s with %v: %s%s, want kept %v", c.name, c.flags, r.out, r.err, c.kept)
			}
		}
	})
	asEach(t, func(t *testing.T, u user, dir string) {
		cmd := command(u, dir, sandrun, "--allow-env=LD_BIND_NOW", "--", probe, "getenv", "LD_BIND_NOW")
		cmd.Env = append(cmd.Env, "LD_BIND_NOW=1")
		if r := finish(t, cmd); r.verdict() != "ENOENT" || !strings.Contains(r.err, "sandrun: warning: LD_BIND_NOW is removed") {
			t.Errorf("%s%s", r.out, r.err)
		}
	})
}

// TestVariableGivenTwice: of a name that occurs twice the first entry counts, as it does
// for getenv, and the other does not get past the judgement of the name.
func TestVariableGivenTwice(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	p, err := os.StartProcess(sandrun, []string{"sandrun", "--allow-env=A", "--", "/usr/bin/env"}, &os.ProcAttr{
		Env:   []string{"A=1", "SECRET=1", "PATH=/usr/bin", "A=2", "SECRET=2", "PATH=/bin", "=3", "none"}, // exec.Cmd would leave the first out
		Files: []*os.File{nil, write, os.Stderr},
	})
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(read)
	if err != nil {
		t.Fatal(err)
	}
	if state, err := p.Wait(); err != nil || !state.Success() {
		t.Fatal(state, err)
	}
	if string(out) != "A=1\nPATH=/usr/bin\n" {
		t.Errorf("the target has %q", out)
	}
}

// TestScriptSetsNoLoaderVariable: a #! line may set variables, but none that loads
// code.
func TestScriptSetsNoLoaderVariable(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		script := dir + "/script"
		write(t, u, script, "#!/usr/bin/env -S LD_DEBUG=libs OTHER=1 "+probe+" getenv LD_DEBUG , getenv OTHER , echo\n", 0o755)
		if r := sandboxed(t, u, dir, nil, script); !strings.HasPrefix(r.out, "ENOENT\nok\n") || strings.Contains(r.err, "calling init") {
			t.Errorf("%s%s", r.out, r.err)
		}
		if r := sandboxed(t, u, dir, []string{"--allow-addons"}, script); !strings.Contains(r.out+r.err, "calling init") {
			t.Errorf("with --allow-addons: %s%s", r.out, r.err)
		}
	})
}

// TestJIT: memory that was writable becomes executable unless that is denied.
func TestJIT(t *testing.T) {
	inModes(t, func(t *testing.T, u user, dir string, flags []string) {
		if r := sandboxed(t, u, dir, flags, probe, "jit"); r.verdict() != "ok" {
			t.Errorf("by default: %s%s", r.out, r.err)
		}
		if r := sandboxed(t, u, dir, append([]string{"--deny-jit"}, flags...), probe, "jit"); r.verdict() != "EACCES" {
			t.Errorf("with --deny-jit: %s%s", r.out, r.err)
		}
	})
}

// TestExitStatus: the program's own, and 128+N for a signal under a supervisor.
func TestExitStatus(t *testing.T) {
	inModes(t, func(t *testing.T, u user, dir string, flags []string) {
		for _, status := range []string{"0", "1", "2", "77", "125", "255"} {
			if r := sandboxed(t, u, dir, flags, probe, "exit", status); fmt.Sprint(r.status) != status {
				t.Errorf("exit %s gave %d: %s", status, r.status, r.err)
			}
		}
		for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGKILL, unix.SIGSEGV, unix.SIGHUP, unix.SIGPIPE} {
			if r := sandboxed(t, u, dir, flags, probe, "raise", fmt.Sprint(int(s))); r.status != 128+int(s) {
				t.Errorf("%v gave %d: %s", s, r.status, r.err)
			}
		}
		for _, c := range []struct {
			command string
			status  int
		}{
			{"no-such-program", 127}, {"./no-such-program", 127}, {dir + "/none", 127}, {dir, 126}, {"/etc/passwd", 126},
		} {
			r := sandboxed(t, u, dir, flags, c.command)
			if r.status != c.status || strings.Count(r.err, "sandrun: error: ") != 1 {
				t.Errorf("%s: status %d, want %d: %s", c.command, r.status, c.status, r.err)
			}
		}
	})
}

// TestSignalsAreForwarded sends sandrun what the target should get.
func TestSignalsAreForwarded(t *testing.T) {
	inModes(t, func(t *testing.T, u user, dir string, flags []string) {
		for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2, unix.SIGINT, unix.SIGQUIT} {
			c := command(u, dir, append(append([]string{sandrun}, flags...), "--", probe, "echo", "up", ",", "sleep", "30000")...)
			c.SysProcAttr = withGroup(c.SysProcAttr)
			waitFor(t, c, "up")
			if err := c.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			end := ended(t, c)
			if got := statusOf(end); got != 128+int(s) {
				t.Errorf("%v: status %d", s, got)
			}
		}
	})
}

// TestSignalsAtTheStart: a signal that comes before there is a target ends sandrun. strace
// sends it where sandrun asks for the first time what the kernel can do.
func TestSignalsAtTheStart(t *testing.T) {
	inModes(t, func(t *testing.T, u user, dir string, flags []string) {
		for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2, unix.SIGINT, unix.SIGQUIT} {
			const call = "landlock_create_ruleset"
			args := append([]string{
				"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call,
				"-e", fmt.Sprintf("inject=%s:signal=%d:when=1", call, int(s)), sandrun,
			}, flags...)
			c := command(u, dir, append(args, "--", probe, "sleep", "3000")...)
			if out, err := c.CombinedOutput(); statusOf(c.ProcessState) != 128+int(s) {
				t.Errorf("%v: %v\n%s", s, err, out)
			}
		}
	})
}

// TestTargetDiesWithItsSupervisor kills sandrun and looks for what is left.
func TestTargetDiesWithItsSupervisor(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		c := command(u, dir, sandrun, "--", probe, "ids", ",", "sleep", "30000")
		line := waitFor(t, c, "")
		var pid, parent int
		if _, err := fmt.Sscan(line, &pid, &parent); err != nil || parent != c.Process.Pid {
			t.Fatalf("%q: %v", line, err)
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		ended(t, c)
		gone(t, pid)
	})
}

// TestTreeEndsWithTheTarget leaves a chain of children behind, where they are granted and
// where they go ahead all the same.
func TestTreeEndsWithTheTarget(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		script := "(sleep 60 & echo $!); setsid sleep 60 & echo $!; (i=0; while [ $((i += 1)) -lt 20000 ]; do /bin/true & wait; done) & echo $!"
		for _, flag := range []string{"--allow-child-process", "--onerror=log"} {
			r := sandboxed(t, u, dir, []string{flag, "--log-file=" + dir + "/log"}, "/bin/sh", "-c", script)
			pids := strings.Fields(r.out)
			if r.status != 0 || len(pids) != 3 {
				t.Fatalf("%s: status %d: %s%s", flag, r.status, r.out, r.err)
			}
			for _, p := range pids {
				var pid int
				if _, err := fmt.Sscan(p, &pid); err != nil {
					t.Fatal(err)
				}
				gone(t, pid)
			}
		}
	})
}

func withGroup(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	if a == nil {
		a = &syscall.SysProcAttr{}
	}
	a.Setsid = true
	return a
}

// waitFor starts a command and reads its first line, which must hold a text.
func waitFor(t *testing.T, c *exec.Cmd, text string) string {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 256)
	n, err := out.Read(buf)
	line, _, _ := strings.Cut(string(buf[:n]), "\n")
	if err != nil || !strings.Contains(line, text) {
		_ = c.Process.Kill()
		t.Fatalf("read %q, %v; want %q", line, err, text)
	}
	return line
}

// ended waits for a command that must end soon.
func ended(t *testing.T, c *exec.Cmd) *os.ProcessState {
	t.Helper()
	timer := time.AfterFunc(20*time.Second, func() { _ = c.Process.Kill() })
	_ = c.Wait() // its status is looked at
	if !timer.Stop() {
		t.Fatalf("%q does not end", c.Args)
	}
	return c.ProcessState
}

func statusOf(p *os.ProcessState) int {
	if ws, ok := p.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return p.ExitCode()
}

// gone waits until a process has ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	for range 200 {
		if unix.Kill(pid, 0) == unix.ESRCH {
			return
		}
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(data), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d lives on", pid)
}

// TestStoppedFromInside: a target that stops itself may be continued by its own
// child; sandrun must not stop with it for ever.
func TestStoppedFromInside(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		script := "(while ! grep -q 'State:.T' /proc/$$/status; do :; done; kill -CONT $$) & kill -STOP $$; chmod 600 " + dir + "; exit 3"
		flags := []string{"--allow-child-process", "--allow-fs-read=/proc", "--allow-fs-write=" + dir}
		if r := sandboxed(t, u, dir, flags, "/bin/sh", "-c", script); r.status != 3 {
			t.Errorf("status %d: %s%s", r.status, r.out, r.err)
		}
	})
}

// TestNoSignalIsLost ends launches at every moment of their first milliseconds.
func TestNoSignalIsLost(t *testing.T) {
	inModes(t, func(t *testing.T, u user, dir string, flags []string) {
		for i := range 120 {
			s := []unix.Signal{unix.SIGTERM, unix.SIGHUP, unix.SIGINT}[i%3]
			c := command(u, dir, append(append([]string{sandrun}, flags...), "--", probe, "sleep", "30000")...)
			c.SysProcAttr = withGroup(c.SysProcAttr)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(i) * 100 * time.Microsecond)
			if err := c.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			if got := statusOf(ended(t, c)); got != 128+int(s) {
				t.Errorf("%v after %d µs: status %d", s, i*100, got)
			}
		}
	})
}

// TestNoSignalIsLostInTheExec ends direct launches in the fraction of a millisecond in
// which the exec ends their other threads.
func TestNoSignalIsLostInTheExec(t *testing.T) {
	start := func(t *testing.T, u user, dir string) *exec.Cmd {
		t.Helper()
		c := command(u, dir, sandrun, "--allow-addons", "--", probe, "sleep", "30000")
		c.SysProcAttr = withGroup(c.SysProcAttr)
		must(t, c.Start())
		return c
	}
	asEach(t, func(t *testing.T, u user, dir string) {
		for i := range 300 {
			c := start(t, u, dir)
			// The filter is the last of the seal; the exec takes 150 µs more or so.
			status := fmt.Sprintf("/proc/%d/status", c.Process.Pid)
			for range 100_000 {
				if data, err := os.ReadFile(status); err != nil || strings.Contains(string(data), "\nSeccomp:\t2") {
					break
				}
			}
			for end := time.Now().Add(time.Duration(i%20) * 10 * time.Microsecond); time.Now().Before(end); {
			}
			must(t, c.Process.Signal(unix.SIGTERM))
			if got := statusOf(ended(t, c)); got != 128+int(unix.SIGTERM) {
				t.Errorf("try %d: status %d", i, got)
			}
		}
	})
}

// TestInside runs sandrun under sandrun: where the outer one has no listener the
// inner one works and only tightens; else it says what it cannot have.
func TestInside(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		write(t, u, dir+"/file", "x", 0o644)
		outer := []string{"--allow-child-process", "--allow-worker", "--allow-fs-read=/proc", "--allow-fs-read=" + binDir, "--allow-fs-read=/etc", "--allow-fs-read=" + dir}
		free := append([]string{"--allow-addons"}, outer...)
		if r := sandboxed(t, u, dir, free, sandrun, "--allow-fs-read="+dir, "--", probe, "read", dir+"/file"); r.verdict() != "ok" {
			t.Errorf("inside a direct one: %s%s", r.out, r.err)
		}
		if r := sandboxed(t, u, dir, free, sandrun, "--", probe, "read", dir+"/file"); r.verdict() != "EACCES" {
			t.Errorf("the inner one grants nothing: %s%s", r.out, r.err)
		}
		if r := sandboxed(t, u, dir, free[:len(free)-1], sandrun, "--allow-fs-read="+dir, "--", probe, "read", dir+"/file"); r.verdict() == "ok" {
			t.Error("the inner one grants what the outer one does not")
		}
		r := sandboxed(t, u, dir, outer, sandrun, "--", probe, "fork")
		if r.status != 125 || !strings.Contains(r.err, "listener: another supervisor above this one") {
			t.Errorf("inside a supervised one: status %d: %s%s", r.status, r.out, r.err)
		}
	})
}

// TestPersonality: what makes readable memory executable is cleared, and under a
// program list what makes addresses predictable.
func TestPersonality(t *testing.T) {
	inModes(t, func(t *testing.T, u user, dir string, flags []string) {
		for _, c := range []struct{ setarch, list, want string }{
			{"-X", "", "0"},     // READ_IMPLIES_EXEC
			{"-R", "", "40000"}, // ADDR_NO_RANDOMIZE
			{"-R", "--allow-child-process=/bin/true", "0"},
		} {
			args := append([]string{"/usr/bin/setarch", c.setarch, sandrun}, flags...)
			if c.list != "" {
				args = append(args, c.list)
			}
			if r := plain(t, u, dir, append(args, "--", probe, "personality")...); r.out != c.want+"\nok\n" {
				t.Errorf("%v: %s%s", c, r.out, r.err)
			}
		}
	})
}

// TestOwnCodeOfWhatMayBeWritten: the system's libraries count as a program's own code
// unless the target may write the program, which could then be anything.
func TestOwnCodeOfWhatMayBeWritten(t *testing.T) {
	libraries, _ := filepath.Glob("/usr/lib*/libm.so.6")
	if debian, _ := filepath.Glob("/usr/lib/*/libm.so.6"); len(debian) > 0 {
		libraries = debian
	}
	if len(libraries) == 0 {
		t.Fatal("there is no libm, which the probe does not need")
	}
	asEach(t, func(t *testing.T, u user, dir string) {
		program := dir + "/program"
		data, err := os.ReadFile(probe)
		if err != nil {
			t.Fatal(err)
		}
		write(t, u, program, string(data), 0o755)
		read := "--allow-fs-read=" + libraries[0]
		if r := sandboxed(t, u, dir, []string{read}, program, "mapexec", libraries[0]); r.out != "ok\n" {
			t.Errorf("nothing may be written: %s%s", r.out, r.err)
		}
		for _, where := range []string{dir, program} {
			if r := sandboxed(t, u, dir, []string{read, "--allow-fs-write=" + where}, program, "mapexec", libraries[0]); r.out != "EACCES\n" {
				t.Errorf("%s may be written: %s%s", where, r.out, r.err)
			}
		}
	})
}
