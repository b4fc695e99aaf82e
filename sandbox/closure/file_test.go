package closure

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestRealAgrees resolves random paths through a maze of links, and compares with
// the standard library.
func TestRealAgrees(t *testing.T) {
	dir := tempDir(t)
	write(t, dir+"/a/b/file", "")
	write(t, dir+"/c/file", "")
	for link, target := range map[string]string{
		"a/up": "..", "a/abs": dir + "/c", "a/b/rel": "../../c", "c/back": "../a/b/rel/../a", "self": "self",
		"c/root": "/", "none": "nowhere", "a/b/chain": "rel/back", "dot": ".",
	} {
		if err := os.Symlink(target, dir+"/"+link); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"a", "b", "c", "file", "up", "abs", "rel", "back", "self", "root", "none", "chain", "dot", "..", ".", ""}
	r := rand.New(rand.NewPCG(3, 4))
	d := newDisk()
	resolved := 0
	for range 20_000 {
		path := dir
		for range 1 + r.IntN(6) {
			path += "/" + names[r.IntN(len(names))]
		}
		got, err := d.real(path)
		var st unix.Stat_t
		if exists := unix.Stat(path, &st) == nil; exists != (err == nil) {
			// A trailing slash or dot after a file, or a directory that may not be
			// searched, is the kernel's to refuse.
			if err == nil && (isFile(got) || strings.HasSuffix(path, "/.")) {
				continue
			}
			t.Fatalf("real(%q) = %q, %v; it exists: %v", path, got, err, exists)
		}
		if err != nil {
			continue
		}
		resolved++
		var other unix.Stat_t
		if clean, err := filepath.EvalSymlinks(got); err != nil || clean != got || unix.Lstat(got, &other) != nil || other.Ino != st.Ino || other.Dev != st.Dev {
			t.Fatalf("real(%q) = %q, which is another file or has links: %q, %v", path, got, clean, err)
		}
	}
	if resolved < 1000 {
		t.Errorf("resolved %d paths only", resolved)
	}
}

func isFile(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}

// TestOpen opens regular files, and nothing else even for a moment.
func TestOpen(t *testing.T) {
	dir := tempDir(t)
	write(t, dir+"/file", "text")
	if err := unix.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := open(dir + "/file")
	if err != nil {
		t.Fatal(err)
	}
	f.close()
	for _, path := range []string{dir, dir + "/fifo", "/dev/null", "/dev/tty", dir + "/none", "/proc/self/fd/0/x"} {
		if f, err := open(path); err == nil {
			f.close()
			t.Errorf("%s was opened", path)
		}
	}
	if data, err := readFile(dir+"/file", 4); string(data) != "text" || err != nil {
		t.Errorf("readFile = %q, %v", data, err)
	}
	if _, err := readFile(dir+"/file", 3); err == nil {
		t.Error("a file above the limit was read")
	}
}

// TestOpenLooksFirst: whoever waits for a reader of a FIFO goes on waiting.
func TestOpenLooksFirst(t *testing.T) {
	fifo := tempDir(t) + "/fifo"
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	met := make(chan error, 1)
	go func() {
		fd, err := unix.Open(fifo, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		_ = unix.Close(fd)
		met <- err
	}()
	time.Sleep(50 * time.Millisecond) // until it waits
	if f, err := open(fifo); err == nil {
		f.close()
		t.Error("a FIFO was opened")
	}
	select {
	case err := <-met:
		t.Fatalf("the FIFO got a reader (%v)", err)
	case <-time.After(100 * time.Millisecond):
	}
	fd, err := unix.Open(fifo, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := <-met; err != nil {
		t.Error(err)
	}
}

// TestOpenSwapped opens a name that is a file and a FIFO by turns, until both have come.
// The FIFO, which could be a device on a file system that moves with its directory, is
// never opened, not even for a moment: pinning it tells nobody who watches.
func TestOpenSwapped(t *testing.T) {
	dir := tempDir(t)
	write(t, dir+"/a", "text")
	if err := unix.Mkfifo(dir+"/b", 0o600); err != nil {
		t.Fatal(err)
	}
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(watch)
	if _, err := unix.InotifyAddWatch(watch, dir+"/b", unix.IN_OPEN); err != nil { // its inode, whatever the name
		t.Fatal(err)
	}
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, dir+"/a", unix.AT_FDCWD, dir+"/b", unix.RENAME_EXCHANGE)
			}
		}
	}()
	opened, refused := 0, 0
	for tries := 0; tries < 100_000 || opened == 0 || refused == 0; tries++ {
		f, err := open(dir + "/a")
		if err != nil {
			refused++
			continue
		}
		opened++
		if err := regular(int(f)); err != nil {
			t.Fatalf("opened what is %v", err)
		}
		f.close()
	}
	close(stop)
	<-stopped
	var event [unix.SizeofInotifyEvent]byte
	if n, err := unix.Read(watch, event[:]); err != unix.EAGAIN {
		t.Errorf("the FIFO was opened (%d, %v)", n, err)
	}
	t.Logf("opened %d times, refused %d", opened, refused)
}

func TestReadDir(t *testing.T) {
	for _, dir := range []string{"/usr/bin", "/etc", "/dev", "/proc"} {
		want, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range got {
			names = append(names, e.name)
			i := slices.IndexFunc(want, func(w os.DirEntry) bool { return w.Name() == e.name })
			if dir != "/proc" && (i < 0 || want[i].IsDir() != e.dir) {
				t.Errorf("%s/%s: %+v", dir, e.name, e)
			}
		}
		if !slices.IsSorted(names) || len(got) < len(want)-20 {
			t.Errorf("%s: %d names of %d", dir, len(got), len(want))
		}
	}
	if _, err := readDir("/etc/passwd"); err == nil {
		t.Error("a file was listed")
	}
}

func TestFileSet(t *testing.T) {
	s := newFileSet()
	for _, f := range []File{
		{Path: "/b/tree", Access: Read, Tree: true, Why: "tree"},
		{Path: "/b/tree/file", Access: Read, Why: "file"},
		{Path: "/b/tree/native", Access: Read | Map, Why: "native"},
		{Path: "/b/treeless", Access: Read, Why: "treeless"},
		{Path: "/a", Access: Read, Why: "first"},
		{Path: "/a", Access: Map, Why: "second"},
		{Path: "/b/tree/sub", Access: Read, Tree: true, Why: "sub"},
		{Path: "/b/tree/tty", Access: Read, Terminal: true, Why: "tty"},
	} {
		s.add(f)
	}
	want := []File{
		{Path: "/a", Access: Read | Map, Why: "first"},
		{Path: "/b/tree", Access: Read, Tree: true, Why: "tree"},
		{Path: "/b/tree/native", Access: Read | Map, Why: "native"},
		{Path: "/b/tree/tty", Access: Read, Terminal: true, Why: "tty"},
		{Path: "/b/treeless", Access: Read, Why: "treeless"},
	}
	if got := s.sorted(); !slices.Equal(got, want) {
		t.Errorf("sorted() = %+v", got)
	}
}

func TestAccessString(t *testing.T) {
	for a, want := range map[Access]string{0: "", Read: "read", Read | Execute | Map: "read,execute,map", Write | 1<<7: "write,0x80"} {
		if a.String() != want {
			t.Errorf("%d: %q, want %q", uint8(a), a.String(), want)
		}
	}
}

// TestTerminal starts this binary in a session of its own, with a terminal and
// without.
func TestTerminal(t *testing.T) {
	for _, test := range []struct{ controlling, is bool }{{true, true}, {false, false}} {
		master, slave, path := openTerminal(t)
		out := startOn(t, slave, test.controlling)
		if got := out != "[]"; got != test.is {
			t.Errorf("controlling %v: %s", test.controlling, out)
		}
		if test.is && out != "[{/dev/tty read,write false true the controlling terminal 0} {"+path+" read,write false true the controlling terminal 0}]" {
			t.Errorf("terminal: %s", out)
		}
		master.Close()
		slave.Close()
	}
	if got := terminal(-1); got != nil {
		t.Errorf("a closed descriptor is a terminal: %v", got)
	}
}
