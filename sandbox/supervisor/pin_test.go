//go:build linux

package supervisor

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sandrun/integrity"
	"sandrun/sandbox/closure"
)

func pinTo(t *testing.T, content string) integrity.Set {
	t.Helper()
	d, err := integrity.Sum("sha256", strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return integrity.Set{d}
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// idOf is the identity of a file.
func idOf(t *testing.T, path string) ID {
	t.Helper()
	st, err := stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return identify(&st)
}

func TestPinsAreFoundByEveryName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"/data", "/other"} {
		put(t, dir+name, "right")
	}
	if err := os.Link(dir+"/data", dir+"/hard"); err != nil {
		t.Fatal(err)
	}
	pins := NewPins()
	pins.Add(dir+"/link", dir+"/data", pinTo(t, "right"))
	pins.Add(dir+"/hard", dir+"/hard", pinTo(t, "right too"))
	pins.Add(dir+"/later", dir+"/later", pinTo(t, "later"))
	for _, c := range []struct {
		real, asked, id string
		sets            int
	}{
		{"/data", "/x", "", 2},
		{"/x", "/link", "", 2},
		{"/hard", "/hard", "", 2},
		{"/x", "/x", "/data", 2},
		{"/later", "/later", "", 1},
		{"/x", "/later", "", 1},
		{"/other", "/other", "/other", 0},
		{"/data", "/later", "", 3},
		{"/later", "/other", "/data", 1},
	} {
		id := ID{}
		if c.id != "" {
			id = idOf(t, dir+c.id)
		}
		pin, sets := pins.Of(dir+c.real, dir+c.asked, id), 0
		if pin != nil {
			sets = len(pin.Sets)
		}
		if sets != c.sets {
			t.Errorf("%+v: %d sets", c, sets)
		}
	}
	once := pins.Of(dir+"/data", dir+"/later", ID{})
	if pins.Of(dir+"/data", dir+"/later", ID{}) != once {
		t.Error("what two pins have in common is made again and again, so that no verdict of it is found")
	}
	if (*Pins)(nil).Of("/x", "/x", ID{}) != nil {
		t.Error("something is pinned where nothing is")
	}
}

// TestPinsOnTheWay: a link that is put in the place of a pinned name does not unpin it,
// also where the directory of that name has another path by now.
func TestPinsOnTheWay(t *testing.T) {
	dir := realDir(t)
	for _, d := range []string{"/a", "/b", "/d"} {
		if err := os.Mkdir(dir+d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, dir+"/a/data", "right")
	put(t, dir+"/b/other", "wrong")
	put(t, dir+"/d/data", "wrong")
	pins := NewPins()
	pins.Add(dir+"/a/data", dir+"/a/data", pinTo(t, "right"))
	s := fuzzServer()
	s.rules.Pins = pins
	for _, c := range []struct {
		before func() error
		path   string
	}{
		{func() error { return os.Rename(dir+"/a/data", dir+"/b/data") }, "/b/data"}, // by its inode
		{func() error { return os.Symlink("../b/other", dir+"/a/data") }, "/a/data"},
		{func() error { return os.Symlink("a/data", dir+"/x") }, "/x"},
		{func() error { return os.Rename(dir+"/a", dir+"/c") }, "/c/data"},
		{func() error { return os.Symlink("d", dir+"/a") }, "/d/data"}, // where the pinned name leads now
	} {
		if err := c.before(); err != nil {
			t.Fatal(err)
		}
		if p := found(t, s, dir+c.path); p.pin == nil {
			t.Errorf("%s is not pinned", c.path)
		}
	}
	put(t, dir+"/b/third", "free")
	if p := found(t, s, dir+"/b/third"); p.pin != nil {
		t.Error("what was never pinned is")
	}
}

// served opens a file and asks for its verified copy.
func served(t *testing.T, s *Supervisor, path string, pin *Pin) (content string, err error) {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	made, err := s.copyOf(fd, pin)
	if err != nil {
		return "", err
	}
	f := os.NewFile(uintptr(made), "copy")
	defer f.Close()
	data, err := os.ReadFile(own(made))
	if err != nil {
		t.Fatal(err)
	}
	return string(data), nil
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestCopiesAreKeptAndClosed: an unchanged file is copied once, and whatever happens
// to files no descriptor is lost.
func TestCopiesAreKeptAndClosed(t *testing.T) {
	path := t.TempDir() + "/data"
	put(t, path, "right")
	s, pin := &Supervisor{rules: Rules{Pins: NewPins()}}, &Pin{Path: path, Sets: []integrity.Set{pinTo(t, "right")}}
	before := descriptors(t)
	for i := range 50 {
		if content, err := served(t, s, path, pin); err != nil || content != "right" {
			t.Fatalf("%q, %v", content, err)
		}
		if i%5 == 4 { // another version of the same content
			if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Duration(i)*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if kept := len(s.verified.known); kept != 10 {
		t.Errorf("%d versions are kept, want 10", kept)
	}
	put(t, path, "wrong")
	var wrong *integrity.MismatchError
	if _, err := served(t, s, path, pin); !errors.As(err, &wrong) {
		t.Errorf("a wrong content: %v", err)
	}
	s.verified.forget()
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// TestCopiesAreBounded: more than may be kept is forgotten, and still served.
func TestCopiesAreBounded(t *testing.T) {
	dir := t.TempDir()
	content := strings.Repeat("x", 200<<20)
	put(t, dir+"/data", content)
	s, pin := &Supervisor{rules: Rules{Pins: NewPins()}}, &Pin{Path: dir, Sets: []integrity.Set{pinTo(t, content)}}
	for i := range 4 {
		if err := os.Chtimes(dir+"/data", time.Time{}, time.Unix(int64(i), 0)); err != nil {
			t.Fatal(err)
		}
		fd, err := unix.Open(dir+"/data", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		made, err := s.copyOf(fd, pin)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(made)
		unix.Close(fd)
		if s.verified.size > maxCopies {
			t.Errorf("%d bytes are kept", s.verified.size)
		}
	}
	s.verified.forget()
}

// TestYoungVerdictsAreNotKept: the times of a file that was just written may stay
// the same when it is written again.
func TestYoungVerdictsAreNotKept(t *testing.T) {
	path := t.TempDir() + "/program"
	put(t, path, "right")
	s, pin := &Supervisor{rules: Rules{Pins: NewPins()}}, &Pin{Path: path, Sets: []integrity.Set{pinTo(t, "right")}}
	look := func() error {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		return s.verifyRunning(fd, pin)
	}
	if err := look(); err != nil || len(s.verified.programs) != 0 {
		t.Errorf("a young file: %v, %d verdicts kept", err, len(s.verified.programs))
	}
	time.Sleep(age + 50*time.Millisecond)
	if err := look(); err != nil || len(s.verified.programs) != 1 {
		t.Errorf("a settled file: %v, %d verdicts kept", err, len(s.verified.programs))
	}
}

// TestPumpEnds: a file that grows while it is read, and what is no file, end soon.
func TestPumpEnds(t *testing.T) {
	path := t.TempDir() + "/log"
	put(t, path, strings.Repeat("x", 1<<20))
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100_000 {
			_, _ = w.WriteString("more and more")
		}
	}()
	pin := &Pin{Path: path, Sets: []integrity.Set{pinTo(t, "")}}
	for range 20 {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := pin.Check(fd); err == nil {
			t.Error("it is right")
		}
		unix.Close(fd)
	}
	<-done
}

func TestBeginsWith(t *testing.T) {
	pid := uint32(os.Getpid())
	if !BeginsWith(pid, os.Args) || !BeginsWith(pid, os.Args[:1]) || !BeginsWith(pid, nil) {
		t.Error("our own arguments are not found")
	}
	if BeginsWith(pid, append([]string{"x"}, os.Args...)) || BeginsWith(pid, []string{os.Args[0] + "x"}) || BeginsWith(pid, []string{os.Args[0][:2]}) {
		t.Error("other arguments are found")
	}
}

// TestLoaderThatIsGone: a loader that cannot be found any more costs no descriptor of ours.
func TestLoaderThatIsGone(t *testing.T) {
	data, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	self, err := unix.Open("/bin/true", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(self)
	loader, err := closure.ELFInterpreter(self)
	if err != nil || len(loader) < 11 {
		t.Fatalf("%q, %v", loader, err)
	}
	gone := "/dev/null/" + strings.Repeat("x", len(loader)-10) // ENOTDIR
	path := t.TempDir() + "/program"
	put(t, path, strings.Replace(string(data), loader, gone, 1))
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	s := fuzzServer()
	s.rules.Pins = NewPins()
	var st unix.Stat_t
	if err := unix.Fstat(0, &st); err != nil {
		t.Fatal(err)
	}
	_, err = s.judgeLoader(caller(), fd)
	if e := unix.Fstat(0, &st); err == nil || e != nil {
		t.Errorf("judgeLoader: %v; our descriptor 0: %v", err, e)
	}
}

// TestTraceeIsGone: a number that a thread had belongs to somebody else by now, who is
// not traced. (A thread that executes takes over its process's.)
func TestTraceeIsGone(t *testing.T) {
	for _, lost := range []tracee{{os.Getpid(), os.Getpid()}, {unix.Gettid(), os.Getpid()}, {1 << 22, os.Getpid()}} {
		if !lost.gone() {
			t.Errorf("%v is taken for one that is traced", lost)
		}
	}
}
