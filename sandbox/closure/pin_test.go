//go:build linux

package closure

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPins: a descriptor is of the file that its entry names, and only entries
// keep descriptors.
func TestPins(t *testing.T) {
	before := descriptors(t)
	nothing := func(string) (string, bool) { return "", false }
	c, err := Find(Request{Command: []string{"/bin/true"}, Env: nothing, Dir: "/", Pin: true})
	if err != nil {
		t.Fatal(err)
	}
	pins := 0
	for _, f := range c.Files {
		if f.Pin == 0 {
			continue
		}
		pins++
		var pinned, named unix.Stat_t
		if err := unix.Fstat(f.Pin, &pinned); err != nil {
			t.Fatal(err)
		}
		if err := unix.Lstat(f.Path, &named); err != nil {
			t.Fatal(err)
		}
		if pinned.Ino != named.Ino || pinned.Dev != named.Dev {
			t.Errorf("%s: the descriptor is of another file", f.Path)
		}
	}
	if pins == 0 {
		t.Error("nothing is pinned")
	}
	if got := descriptors(t); got != before+pins {
		t.Errorf("%d descriptors for %d pins", got-before, pins)
	}
	for _, f := range c.Files {
		f.release()
	}
	if _, err := Find(Request{Command: []string{"/bin/true"}, Env: nothing, Dir: "/"}); err != nil {
		t.Fatal(err)
	}
	if got := descriptors(t); got != before {
		t.Errorf("%d descriptors are left", got-before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
