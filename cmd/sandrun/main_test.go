//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The tests run the real program: it is built once, and so is the probe, which does one operation and says how
// it ended.
var (
	binDir    string
	sandrun   string
	probe     string // needs a C library
	probeSolo string // static: may be launched direct
	fileops   string // does what the differential tests compare
	racer     string // makes calls whose arguments change meanwhile
	crowd     string // makes many calls at once, some of which block
	gopher    string // does so in Go
	starter   string // starts programs in many ways
	thief     string // tries to get more than was granted
)

// Variables are initialised before any init function runs.
var _ = func() bool { underTest = true; return true }()

func TestMain(m *testing.M) {
	os.Exit(withPrograms(m))
}

func withPrograms(m *testing.M) int {
	err := catchIgnored()
	if err != nil {
		return complain(err)
	}
	if binDir, err = os.MkdirTemp("", "sandrun-test-"); err != nil {
		return complain(err)
	}
	defer os.RemoveAll(binDir)
	if err := os.Chmod(binDir, 0o755); err != nil {
		return complain(err)
	}
	sandrun, probe, probeSolo = binDir+"/sandrun", binDir+"/probe", binDir+"/probe-static"
	if _, err := exec.LookPath("gcc"); err != nil {
		return complain(errors.New("the tests need gcc: the probe is C, because a Go program cannot start without threads"))
	}
	fileops, racer, crowd, gopher = binDir+"/fileops", binDir+"/racer", binDir+"/crowd", binDir+"/gopher"
	thief, starter = binDir+"/thief", binDir+"/starter"
	const source = "../../testdata/probe/probe.c"
	for _, build := range [][]string{
		goBuild(sandrun, "."),
		goBuild(binDir+"/sandrun-policy", "../sandrun-policy"),
		{"gcc", "-O1", "-pthread", "-o", probe, source},
		{"gcc", "-O1", "-pthread", "-static", "-DSTATIC", "-o", probeSolo, source},
		{"gcc", "-O1", "-static", "-o", fileops, "../../testdata/probe/fileops.c"},
		{"gcc", "-O1", "-pthread", "-static", "-o", racer, "../../testdata/probe/racer.c"},
		{"gcc", "-O1", "-pthread", "-static", "-o", crowd, "../../testdata/probe/crowd.c"},
		{"gcc", "-O1", "-pthread", "-static", "-o", thief, "../../testdata/probe/thief.c"},
		{"gcc", "-O1", "-pthread", "-static", "-o", starter, "../../testdata/probe/starter.c"},
		goBuild(gopher, "../../testdata/probe/gopher"),
	} {
		if out, err := exec.Command(build[0], build[1:]...).CombinedOutput(); err != nil {
			return complain(fmt.Errorf("%s: %w\n%s", strings.Join(build, " "), err, out))
		}
	}
	return m.Run()
}

// goBuild builds without cgo, as README says, or with it where the tests have it
// themselves (the race detector needs it), so that CI tries both. The detector
// itself stays out: a copy of its shadow memory makes a launch take half a second.
func goBuild(out, pkg string) []string {
	cgo := "CGO_ENABLED=0"
	if raceEnabled {
		cgo = "CGO_ENABLED=1"
	}
	return []string{"env", cgo, "go", "build", "-o", out, pkg}
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// TestScripts runs the command-level tests.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                scriptCommands,
		Condition:           scriptConditions,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", binDir+":/usr/sbin:/usr/bin:/sbin:/bin")
			env.Setenv("BIN", binDir)
			env.Setenv("TMPDIR", env.WorkDir+"/tmp")
			return os.MkdirAll(env.WorkDir+"/tmp", 0o777)
		},
	})
}

// A user is who a test runs as.
type user struct {
	name string
	id   int // 0: as the tests themselves
}

// users are root and an ordinary user where the tests run as root.
func users() []user {
	if os.Geteuid() != 0 {
		return []user{{"user", 0}}
	}
	return []user{{"root", 0}, {"user", 65534}}
}

// asEach runs a test as every user, in a fresh directory that the user owns.
func asEach(t *testing.T, f func(t *testing.T, u user, dir string)) {
	t.Helper()
	for _, u := range users() {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("", "sandrun-work-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			own(t, u, dir)
			f(t, u, dir)
		})
	}
}

// own gives paths to the user.
func own(t *testing.T, u user, paths ...string) {
	t.Helper()
	if u.id == 0 {
		return
	}
	for _, p := range paths {
		if err := os.Lchown(p, u.id, u.id); err != nil {
			t.Fatal(err)
		}
	}
}

// write makes a file that the user owns.
func write(t *testing.T, u user, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	// A test beside this one could fork while the file is open for writing, and
	// its child would keep it busy (ETXTBSY) until it execs.
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte(content), 0o600)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	own(t, u, filepath.Dir(path), path)
}

// A result is how a command ended.
type result struct {
	out, err string
	status   int
}

// command prepares a program that runs as a user in a directory.
func command(u user, dir string, args ...string) *exec.Cmd {
	c := exec.Command(args[0], args[1:]...)
	c.Dir = dir
	c.Env = []string{"PATH=" + binDir + ":/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + dir, "LC_ALL=C"}
	if u.id != 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u.id), Gid: uint32(u.id)}}
	}
	return c
}

// finish runs a command to its end, which must come soon.
func finish(t *testing.T, c *exec.Cmd) result {
	t.Helper()
	var out, errout bytes.Buffer
	c.Stdout, c.Stderr = &out, &errout
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(60*time.Second, func() { _ = c.Process.Kill() })
	err := c.Wait()
	if !timer.Stop() {
		t.Fatalf("%q hangs\n%s%s", c.Args, out.String(), errout.String())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	status := c.ProcessState.ExitCode()
	if ws, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		status = 128 + int(ws.Signal())
	}
	return result{out.String(), errout.String(), status}
}

// plain runs a command without sandrun.
func plain(t *testing.T, u user, dir string, args ...string) result {
	t.Helper()
	return finish(t, command(u, dir, args...))
}

// sandboxed runs a command under sandrun with flags.
func sandboxed(t *testing.T, u user, dir string, flags []string, args ...string) result {
	t.Helper()
	all := append([]string{sandrun}, flags...)
	return finish(t, command(u, dir, append(append(all, "--"), args...)...))
}

// verdict is the last line of the probe: "ok" or the name of an errno.
func (r result) verdict() string {
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	return lines[len(lines)-1]
}
