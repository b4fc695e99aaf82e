//go:build linux

package sandbox_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// These tests run what stands in for Landlock's younger rights with those rights
// left out of the plan, as on the kernels that do not have them.

// An oldKernel is a folder with what its launches need, as one user.
type oldKernel struct {
	dir string
	uid int
}

// onOldKernel runs a test as root and as a user, or as who runs the tests.
func onOldKernel(t *testing.T, test func(*testing.T, oldKernel)) {
	uids := []int{0, 65534}
	if os.Geteuid() != 0 {
		uids = []int{os.Geteuid()}
	}
	for _, uid := range uids {
		t.Run(fmt.Sprint("uid ", uid), func(t *testing.T) {
			dir, err := os.MkdirTemp("", "sandrun-old-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			k := oldKernel{dir, uid}
			k.install(t)
			test(t, k)
		})
	}
}

// install puts the launcher and the program that signals where the user can
// execute them.
func (k oldKernel) install(t *testing.T) {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(k.dir+"/launcher", self, 0o755)
	}
	if err == nil {
		err = os.Chmod(k.dir, 0o755)
	}
	if err == nil && os.Geteuid() == 0 {
		err = os.Chown(k.dir, k.uid, k.uid)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"signal", "probe"} {
		out, err := exec.Command("gcc", "-O1", "-pthread", "-o", k.dir+"/"+name, "../testdata/probe/"+name+".c").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
}

// command prepares a program of the user.
func (k oldKernel) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.SysProcAttr = &syscall.SysProcAttr{}
	if k.uid != os.Geteuid() {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(k.uid), Gid: uint32(k.uid)}
	}
	return c
}

// launch prepares a launch; what spec names begins with the flags.
func (k oldKernel) launch(spec string) *exec.Cmd {
	c := k.command(k.dir + "/launcher")
	c.Env = append(os.Environ(), launcher+"=0s 0s "+strings.ReplaceAll(spec, "DIR", k.dir))
	return c
}

// run launches and returns what the target said, its lines joined, and how it
// ended.
func (k oldKernel) run(t *testing.T, spec string) (string, syscall.WaitStatus) {
	t.Helper()
	c := k.launch(spec)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(60*time.Second, func() { _ = c.Process.Kill() })
	_ = c.Wait()
	if !timer.Stop() {
		t.Fatalf("%s hangs: %s", spec, out.String())
	}
	return strings.Join(strings.Fields(out.String()), " "), c.ProcessState.Sys().(syscall.WaitStatus)
}

// start starts a process that the tests try to reach.
func start(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return strconv.Itoa(c.Process.Pid)
}

// alive tells whether a child of the test still runs.
func alive(pid string) bool {
	data, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	return rest[0] != 'Z' && rest[0] != 'X'
}

// oldLaunches are flags of either launch without the scope for signals.
var oldLaunches = map[string]string{"direct": "abi=5 allow-addons", "supervised": "abi=5"}

func TestOldSignalsReachNobodyOutside(t *testing.T) {
	onOldKernel(t, func(t *testing.T, k oldKernel) {
		victim := start(t, k.command("/bin/sleep", "600"))
		for launch, flags := range oldLaunches {
			for try, want := range map[string]string{
				"kill PID": "EPERM", "ask PID": "EPERM", "ask -PID": "EPERM", "ask 0": "EPERM", "ask -1": "EPERM", "parent": "EPERM",
				"tkill PID": "EPERM", "tgkill PID": "EPERM", "sigqueue PID": "EPERM", "tgsigqueue PID": "EPERM", "pidfd PID": "EPERM",
				"setown PID":   "ok EPERM EPERM EPERM EPERM",
				"setownex PID": "ok EPERM EPERM EPERM EPERM",
			} {
				if got, _ := k.run(t, flags+" -- DIR/signal "+strings.ReplaceAll(try, "PID", victim)); got != want {
					t.Errorf("%s: %s says %q, want %q", launch, try, got, want)
				}
			}
		}
		if !alive(victim) {
			t.Error("the process outside is dead")
		}
	})
}

func TestOldSignalsReachTheProcessItself(t *testing.T) {
	onOldKernel(t, func(t *testing.T, k oldKernel) {
		for launch, flags := range oldLaunches {
			for try, want := range map[string]string{
				"raise": "came", "self": "came", "queueself": "came", "thread": "came",
			} {
				if got, _ := k.run(t, flags+" allow-worker -- DIR/signal "+try); got != want {
					t.Errorf("%s: %s says %q, want %q", launch, try, got, want)
				}
			}
			// A supervised launch passes the signal on as the launcher of the tests does.
			_, status := k.run(t, flags+" -- DIR/signal abort")
			if status.Signal() != unix.SIGABRT && status.ExitStatus() != 128+int(unix.SIGABRT) {
				t.Errorf("%s: abort ends with %#x", launch, status)
			}
		}
	})
}

// TestOldSignalsInTheTree: children reach the first process and nobody else, not
// even themselves; abort ends them by other means.
func TestOldSignalsInTheTree(t *testing.T) {
	onOldKernel(t, func(t *testing.T, k oldKernel) {
		for _, flags := range []string{"abi=5 allow-child-process", "abi=5 allow-addons allow-child-process"} {
			for try, want := range map[string]string{
				"sibling": "EPERM EPERM", "childself": "EPERM", "childparent": "ok came", "childabort": "died of 11",
			} {
				if got, _ := k.run(t, flags+" -- DIR/signal "+try); got != want {
					t.Errorf("%s: %s says %q, want %q", flags, try, got, want)
				}
			}
		}
	})
}

// TestOldTerminalSendsNoSignals: to turn on the signals of a terminal makes its
// foreground process group their receiver.
func TestOldTerminalSendsNoSignals(t *testing.T) {
	onOldKernel(t, func(t *testing.T, k oldKernel) {
		for _, flags := range oldLaunches {
			keyboard, terminal := openPair(t)
			reader := k.command("/bin/sleep", "600")
			reader.Stdin = terminal
			reader.SysProcAttr.Setsid, reader.SysProcAttr.Setctty = true, true
			victim := start(t, reader)
			target := k.launch(flags + " -- DIR/signal terminal")
			var out strings.Builder
			target.Stdin, target.Stdout = terminal, &out
			if err := target.Start(); err != nil {
				t.Fatal(err)
			}
			for range 20 { // while the target sleeps
				if _, err := keyboard.WriteString("x\n"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(50 * time.Millisecond)
			}
			if err := target.Wait(); err != nil || out.String() != "EPERM\nEPERM\nEPERM\n" {
				t.Errorf("%s: %v: %q", flags, err, out.String())
			}
			if !alive(victim) {
				t.Errorf("%s: what reads the terminal is dead", flags)
			}
		}
	})
}

// openPair opens a pseudo-terminal.
func openPair(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return keyboard, terminal
}

// TestOldTruncation: what may not be written is not emptied; of what may be, only
// a descriptor that may write empties it.
func TestOldTruncation(t *testing.T) {
	tries := []string{"truncate", "opentrunc", "opencreatetrunc", "openat2trunc", "openwritetrunc"}
	onOldKernel(t, func(t *testing.T, k oldKernel) {
		for flags, writable := range map[string]string{
			"abi=2 allow-addons": "EACCES", "abi=2": "EACCES", "abi=2 allow-fs-write=/var/empty": "EACCES",
			"abi=2 allow-fs-write=DIR": "ok", "abi=2 allow-addons allow-fs-write=*": "ok",
		} {
			for i, want := range []string{"EACCES", "EACCES", "EACCES", "ENOSYS", writable} {
				k.truncates(t, flags, tries[i], want)
			}
		}
	})
}

// truncates tries to empty a file in one way.
func (k oldKernel) truncates(t *testing.T, flags, try, want string) {
	t.Helper()
	file := k.dir + "/file"
	if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(file, k.uid, k.uid); err != nil {
		t.Fatal(err)
	}
	got, _ := k.run(t, flags+" allow-fs-read=DIR -- DIR/probe "+try+" DIR/file")
	data, err := os.ReadFile(file)
	if kept := string(data) == "kept"; err != nil || got != want || kept != (want != "ok") {
		t.Errorf("%s: %s says %q, want %q; the file has %q", flags, try, got, want, data)
	}
}
