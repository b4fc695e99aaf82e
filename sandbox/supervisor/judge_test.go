//go:build linux

package supervisor

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/listener"
)

// caller is this very thread, which a server of fuzzServer serves.
func caller() *listener.Notification {
	return &listener.Notification{PID: uint32(unix.Gettid()), Nr: unix.SYS_OPENAT}
}

// found locates what must be there.
func found(t *testing.T, s *server, path string) *place {
	t.Helper()
	p, e := s.locate(caller(), route{base: unix.AT_FDCWD, path: path, follow: true})
	if e != 0 {
		t.Fatalf("%s: %v", path, e)
	}
	t.Cleanup(p.close)
	return &p
}

// realDir is a directory without symbolic links on its way.
func realDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSettle: a file that is reached by a descriptor has a name only as long as that is
// the name of the same file.
func TestSettle(t *testing.T) {
	dir := realDir(t)
	put(t, dir+"/file", "one")
	fd, err := unix.Open(dir+"/file", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := place{dir: -1, thing: fd, path: dir + "/file", exists: true}
	defer func() { p.close() }()
	if err := unix.Fstat(fd, &p.stat); err != nil {
		t.Fatal(err)
	}
	put(t, dir+"/other", "two")
	if err := os.Rename(dir+"/other", dir+"/file"); err != nil {
		t.Fatal(err)
	}
	if p.settle() || p.dir >= 0 {
		t.Error("it has the name of another file")
	}
	if err := unix.Fstatat(unix.AT_FDCWD, dir+"/file", &p.stat, 0); err != nil {
		t.Fatal(err)
	}
	if !p.settle() || p.name != "file" {
		t.Error("it has no name")
	}
}

// TestKernelFilesNeedTheirOwnName: no name that only happens to cover a file of a kernel
// file system lets it be written, whether that was mounted at the launch or later.
func TestKernelFilesNeedTheirOwnName(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dir := realDir(t)
	put(t, dir+"/file", "")
	for _, c := range []struct {
		path               string
		kernel             bool // as the launch saw the path
		named, own, allows bool
	}{
		{path: dir + "/file", allows: true},
		{path: dir + "/file", kernel: true},
		{path: "/proc/self/comm"},
		{path: "/proc/self/comm", kernel: true},
		{path: "/proc/self/comm", kernel: true, own: true, allows: true},
		{path: "/proc/self/mem", kernel: true, own: true},
		{path: "/proc/thread-self/mem", kernel: true, own: true},
	} {
		s := fuzzServer()
		area := Name{Area: policy.Area{Kind: policy.AreaPrefix, Path: "/"}, Rights: Write, Kernel: c.own}
		s.rules.Files = func() *Files { return &Files{Areas: []Name{area}} }
		s.rules.KernelFile = func(string) bool { return c.kernel }
		if p := found(t, s, c.path); s.mayWriteHere(p) != c.allows {
			t.Errorf("%+v: %q: %v", c, p.path, !c.allows)
		}
	}
}

// TestGivenOnce: that an open was given by a descriptor says nothing of what the same
// path leads to when it is looked at again.
func TestGivenOnce(t *testing.T) {
	dir := realDir(t)
	put(t, dir+"/file", "")
	s := fuzzServer()
	area := Name{Area: policy.Area{Kind: policy.AreaPrefix, Path: dir}, Rights: Read}
	s.rules.Files = func() *Files { return &Files{Areas: []Name{area}} }
	r, n := request{flags: unix.O_RDONLY, given: true}, listener.Notification{PID: uint32(unix.Gettid())}
	p := found(t, s, dir+"/file")
	if a, _ := s.judgeOpen(&n, &r, p, Read); a != onBehalf || r.given {
		t.Errorf("answer %v, given %v", a, r.given)
	}
}

// TestReadingMakesNothing: O_CREAT is carried out on behalf, and what was there to be
// read may have gone since it was looked at.
func TestReadingMakesNothing(t *testing.T) {
	dir := realDir(t)
	put(t, dir+"/file", "")
	s := fuzzServer()
	p := found(t, s, dir+"/file")
	if err := os.Remove(dir + "/file"); err != nil {
		t.Fatal(err)
	}
	r := request{flags: unix.O_RDONLY | unix.O_CREAT, mode: 0o644}
	if fd, e := r.open(p, r.opening(p)); e == 0 {
		unix.Close(fd)
		t.Error("it was made")
	} else if !p.replaced(e) {
		t.Errorf("%v, which is not looked at again", e)
	}
	r.flags = unix.O_WRONLY | unix.O_CREAT
	fd, e := r.open(p, r.opening(p))
	if e != 0 {
		t.Fatalf("for writing: %v", e)
	}
	unix.Close(fd)
}

// TestLinksOfOthers: a link in a directory that all write, and none may take from the
// others, is followed as the kernel would with protected_symlinks, whatever that is here.
func TestLinksOfOthers(t *testing.T) {
	protectedLinks() // so that it is not found out any more
	defer func(old bool) { protected.yes = old }(protected.yes)
	const mine, others = 0, 1 // added to our own number
	dir := realDir(t)
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, c := range []struct {
		mode      os.FileMode
		owner     uint32
		protected bool
		follows   bool
	}{
		{0o777 | os.ModeSticky, others, true, false},
		{0o777 | os.ModeSticky, others, false, true},
		{0o777 | os.ModeSticky, mine, true, true},
		{0o777, others, true, true},
		{0o755 | os.ModeSticky, others, true, true},
		{0o755, others, true, true},
	} {
		protected.yes = c.protected
		if err := os.Chmod(dir, c.mode); err != nil {
			t.Fatal(err)
		}
		if got := mayFollow(&place{dir: fd, stat: unix.Stat_t{Uid: uint32(os.Geteuid()) + c.owner}}); got != c.follows {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if os.Geteuid() != 0 { // the rest needs files of others
		return
	}
	protected.yes = true
	put(t, dir+"/file", "")
	if err := os.Symlink("file", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	s := fuzzServer()
	for _, c := range []struct {
		dir, link int
		want      error
	}{{0, 1000, unix.EACCES}, {1000, 1000, nil}, {1000, 0, nil}, {1000, 1001, unix.EACCES}} {
		if err := os.Chown(dir, c.dir, -1); err != nil {
			t.Fatal(err)
		}
		if err := os.Lchown(dir+"/link", c.link, -1); err != nil {
			t.Fatal(err)
		}
		p, e := s.locate(caller(), route{base: unix.AT_FDCWD, path: dir + "/link", follow: true})
		if e == 0 {
			p.close()
		}
		if e != result(c.want) {
			t.Errorf("%+v: %v", c, e)
		}
	}
}

// TestAnotherServer: where all servers are held up and a call waits, there is one more,
// and not more than that while it is free.
func TestAnotherServer(t *testing.T) {
	var pipe [2]int // stands for a listener: it can be read from, and no call is received
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	s := New(Rules{})
	s.listener = listener.Listener(pipe[0])
	s.relief.servers.Store(1)
	looked := func(since int64) int32 {
		s.relief.busy[0].Store(since)
		over := make(chan struct{})
		go func() { defer close(over); s.lookWhileBusy() }()
		time.Sleep(10 * patience)
		s.relief.busy[0].Store(0)
		<-over
		return s.relief.servers.Load()
	}
	if n := looked(now()); n != 1 {
		t.Errorf("%d servers, and no call waits", n)
	}
	if _, err := unix.Write(pipe[1], []byte("x")); err != nil {
		t.Fatal(err)
	}
	if n := looked(0); n != 1 {
		t.Errorf("%d servers, and one is free", n)
	}
	if n := looked(now()); n != 2 {
		t.Errorf("%d servers, and the first was held up", n)
	}
}
