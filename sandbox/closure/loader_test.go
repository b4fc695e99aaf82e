package closure

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// nothing is an empty environment.
func nothing(string) (string, bool) { return "", false }

// TestAgreesWithLoader compares the closure of every dynamic executable of the
// system with what its own ELF interpreter would load.
func TestAgreesWithLoader(t *testing.T) {
	var programs []string
	for _, pattern := range []string{
		"/usr/bin/*", "/usr/sbin/*", "/usr/libexec/*", "/usr/libexec/*/*", "/usr/lib/git-core/*",
		"/usr/lib/gcc/*/*/*", "/usr/lib/jvm/*/bin/*", "/usr/local/bin/*", "/opt/*/bin/*",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		programs = append(programs, slices.DeleteFunc(found, isLibrary)...)
	}
	var (
		mu       sync.Mutex
		compared int
		group    sync.WaitGroup
	)
	queue := make(chan string)
	for range 4 {
		group.Go(func() {
			for path := range queue {
				if agreesWithLoader(t, path) {
					mu.Lock()
					compared++
					mu.Unlock()
				}
			}
		})
	}
	for _, path := range programs {
		queue <- path
	}
	close(queue)
	group.Wait()
	t.Logf("compared %d dynamic executables", compared)
	if compared < 20 {
		t.Errorf("compared %d executables only", compared)
	}
}

func agreesWithLoader(t *testing.T, path string) bool {
	interp := interpOf(path)
	if interp == "" {
		return false
	}
	// The loader takes $ORIGIN from the name that it is given, and from the link
	// /proc/self/exe when the kernel starts it.
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Error(err)
	}
	cmd := exec.Command(interp, "--list", real)
	cmd.Env = []string{}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s --list %s: %v: %s", interp, path, err, out)
		return true
	}
	c, err := Find(Request{Command: []string{path}, Env: nothing, Dir: "/", Bare: true})
	if err != nil {
		t.Errorf("Find(%s) = %v", path, err)
		return true
	}
	want := listed(t, string(out))
	var got []string
	for _, f := range c.Files {
		if f.Access&Map != 0 && f.Why != "the executable" && !strings.Contains(f.Path, "/glibc-hwcaps/") {
			got = append(got, f.Path)
		}
	}
	slices.Sort(want)
	if want = slices.Compact(want); !slices.Equal(got, want) {
		t.Errorf("%s: closure %q, its loader loads %q", path, got, want)
	}
	return true
}

// listed reads the output of ld.so --list: "name => path (address)".
func listed(t *testing.T, out string) (paths []string) {
	for line := range strings.Lines(out) {
		words := strings.Fields(line)
		for i := len(words) - 1; i >= 0; i-- {
			if !strings.HasPrefix(words[i], "/") {
				continue
			}
			real, err := filepath.EvalSymlinks(words[i])
			if err != nil {
				t.Error(err)
			}
			if !strings.Contains(real, "/glibc-hwcaps/") {
				paths = append(paths, real)
			}
			break
		}
		if strings.Contains(line, "not found") {
			t.Logf("%s", line)
		}
	}
	return paths
}

// interpOf reads PT_INTERP by debug/elf, which shares nothing with the code under
// test.
func interpOf(path string) string {
	f, err := elf.Open(path)
	if err != nil || f.Class != elf.ELFCLASS64 {
		return ""
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			b := make([]byte, p.Filesz)
			if _, err := p.ReadAt(b, 0); err == nil {
				return strings.TrimRight(string(b), "\x00")
			}
		}
	}
	return ""
}
