//go:build linux

package sandbox

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestWaitHoldsThePID: until the tree is killed, the first process's pid must not
// go to somebody else.
func TestWaitHoldsThePID(t *testing.T) {
	started := func(args ...string) int {
		pid, err := syscall.ForkExec(args[0], args, nil)
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	other := started("/bin/true")
	first := started("/bin/sh", "-c", "sleep 0.1; exit 7")
	wait(first)
	if err := unix.Kill(other, 0); err != unix.ESRCH {
		t.Errorf("an orphan was not reaped: %v", err)
	}
	left := started("/bin/sleep", "600")
	tree{first: first}.kill()
	if err := unix.Kill(left, 0); err != unix.ESRCH {
		t.Errorf("a process is left: %v", err)
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(first) + "/stat")
	if err != nil || !strings.Contains(string(stat), ") Z ") {
		t.Errorf("the first process was reaped: %v %s", err, stat)
	}
	if status := reap(first, 0); status.ExitStatus() != 7 {
		t.Errorf("status %#x", status)
	}
}

// TestKillEndsTheFirst: whoever kills the tree need not wait for its first process.
func TestKillEndsTheFirst(t *testing.T) {
	pid, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "600"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tree{first: pid}.kill()
	if status := reap(pid, 0); status.Signal() != unix.SIGKILL {
		t.Errorf("status %#x", status)
	}
}
