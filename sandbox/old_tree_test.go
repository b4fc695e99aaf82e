//go:build linux

package sandbox_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestOldTreeEnds leaves chains behind whose every process forks and ends, in a
// session of its own. Twice as many can, on a busy machine, leave zombies faster than
// they are reaped, until nobody can fork: tests beside this one failed of it.
func TestOldTreeEnds(t *testing.T) {
	onOldKernel(t, func(t *testing.T, k oldKernel) {
		for _, chains := range []int{1, 4, 8} {
			begin := time.Now()
			if out, status := k.run(t, fmt.Sprint("abi=5 allow-child-process -- DIR/signal chain ", chains)); status.ExitStatus() != 0 {
				t.Errorf("%d chains: %#x %s", chains, status, out)
			}
			t.Logf("%d chains: %v", chains, time.Since(begin))
			if left := running(t, k.dir+"/signal"); len(left) > 0 {
				t.Errorf("%d chains leave %d", chains, left)
				for _, pid := range left {
					_ = unix.Kill(pid, unix.SIGKILL)
				}
			}
		}
	})
}

// running lists the processes that execute a file.
func running(t *testing.T, file string) (pids []int) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if exe, err := os.Readlink(l); err == nil && exe == file {
			if pid, err := strconv.Atoi(strings.Split(l, "/")[2]); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
