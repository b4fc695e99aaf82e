//go:build linux

package supervisor

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// fuzzServer serves this very process, as if it were the caller.
func fuzzServer() *server {
	s := &server{Supervisor: New(Rules{
		Files:      func() *Files { return &Files{} },
		KernelFile: func(string) bool { return false },
	}), umask: -1}
	s.self = "/proc/1" // nothing here is the supervisor's own
	return s
}

// lowMemory is a page whose successor is not mapped; what is put there ends with it.
func lowMemory(t testing.TB) func(b []byte) uint64 {
	page := unix.Getpagesize()
	m, err := unix.Mmap(-1, 0, 4*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mprotect(m[3*page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return func(b []byte) uint64 {
		b = b[max(0, len(b)-3*page):]
		copy(m[3*page-len(b):], b)
		return uint64(uintptr(unsafe.Pointer(&m[0]))) + uint64(3*page-len(b))
	}
}

// FuzzLocate reads requests of openat2 from hostile memory and compares where their
// paths lead with what the kernel says.
func FuzzLocate(f *testing.F) {
	dir, err := filepath.EvalSymlinks(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	tree(f, dir)
	for _, p := range []string{
		"f", "d/f", "lf", "ld/f", "ld/", "loop", "dang", "d/..", "d/../f", ".", "..", "/", "//", "f/", "d//f", "missing/x", "abs", "up", "up/f",
		"lf/", strings.Repeat("d/../", 900) + "f", strings.Repeat("x", 256), "d/up/d/up/f", "chain", "/proc/self/exe", "/proc/version", "",
	} {
		for _, resolve := range []uint64{0, unix.RESOLVE_BENEATH, unix.RESOLVE_IN_ROOT, unix.RESOLVE_NO_SYMLINKS, unix.RESOLVE_NO_XDEV} {
			f.Add([]byte(p+"\x00"), uint64(unix.O_RDONLY), uint64(0), resolve, uint64(howSize))
		}
	}
	f.Add([]byte("f"), uint64(unix.O_CREAT|unix.O_RDWR), uint64(0o4755), uint64(0), uint64(32))
	if err := unix.Chdir(dir); err != nil { // the kernel and the server start from one place
		f.Fatal(err)
	}
	put := lowMemory(f)
	putHow := lowMemory(f)
	f.Fuzz(func(t *testing.T, path []byte, flags, mode, resolve, size uint64) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		s := fuzzServer()
		how := make([]byte, 24, 32)
		for i, v := range [...]uint64{flags, mode, resolve} {
			binary.NativeEndian.PutUint64(how[8*i:], v)
		}
		dirFD := unix.AT_FDCWD
		n := listener.Notification{PID: uint32(unix.Gettid()), Nr: unix.SYS_OPENAT2}
		n.Args = [6]uint64{uint64(uint32(int32(dirFD))), put(path), putHow(how), size}
		r, e := s.request(&n)
		if e != 0 {
			return
		}
		if r.mode&setID != 0 && r.flags&(unix.O_CREAT|tmpfile) != 0 || r.flags&unix.O_ACCMODE == unix.O_ACCMODE || r.flags&unix.O_PATH != 0 {
			t.Fatalf("%#x %#o goes on", r.flags, r.mode)
		}
		text, e := s.memory.text(n.PID, r.addr, pathMax, unix.ENAMETOOLONG)
		if e == 0 && text != "" {
			sameAsKernel(t, s, &n, text, r.resolve)
		}
	})
}

// sameAsKernel compares where a path leads.
func sameAsKernel(t *testing.T, s *server, n *listener.Notification, text string, resolve uint64) {
	for _, nofollow := range []bool{false, true} {
		want := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: resolve}
		if nofollow {
			want.Flags |= unix.O_NOFOLLOW
		}
		fd, err := unix.Openat2(unix.AT_FDCWD, text, &want)
		var st unix.Stat_t
		if err == nil {
			err = unix.Fstat(fd, &st)
			unix.Close(fd)
		}
		p, e := s.locate(n, route{base: unix.AT_FDCWD, path: text, follow: !nofollow, resolve: resolve})
		if e != 0 {
			// Fewer links may be counted, and more refused: magic links under RESOLVE_ flags.
			if err == nil && e != unix.ELOOP && e != unix.EXDEV && e != unix.EACCES {
				t.Fatalf("%q %#x: %v, the kernel finds it", text, resolve, e)
			}
			continue
		}
		switch {
		case err == nil && (!p.exists || p.id() != identify(&st)):
			t.Errorf("%q %#x leads to %q, elsewhere for the kernel", text, resolve, p.path)
		case err == unix.ENOENT && p.exists:
			t.Errorf("%q %#x leads to %q, nowhere for the kernel", text, resolve, p.path)
		case err == unix.EXDEV || err == unix.EACCES:
			t.Errorf("%q %#x leads to %q, the kernel says %v", text, resolve, p.path, err)
		}
		p.close()
	}
}

// tree makes what the paths of the fuzzing lead to.
func tree(t testing.TB, dir string) {
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(dir+"/d/e", 0o755))
	must(os.WriteFile(dir+"/f", nil, 0o644))
	must(os.WriteFile(dir+"/d/f", nil, 0o644))
	for link, target := range map[string]string{
		"lf": "f", "ld": "d", "loop": "loop", "dang": "none", "abs": dir + "/f", "up": "..", "d/up": "..", "chain": "d/c", "d/c": "../lf", "root": "/",
	} {
		must(os.Symlink(target, dir+"/"+link))
	}
}
