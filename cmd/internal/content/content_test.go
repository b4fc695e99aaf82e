package content_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sandrun/cmd/internal/content"
	"sandrun/integrity"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestHash(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir+"/file", strings.Repeat("sandrun", 100000))
	if err := os.Symlink("file", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range integrity.Algorithms() {
		want, err := integrity.Sum(algorithm, strings.NewReader(strings.Repeat("sandrun", 100000)))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{file, dir + "/link"} {
			if got, err := content.Hash(name, algorithm); err != nil || got.String() != want.String() {
				t.Errorf("%s: got %v, %v; want %v", name, got, err, want)
			}
		}
	}
	empty, err := content.Hash(write(t, dir+"/empty", ""), "sha256")
	if err != nil || empty.String() != "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" {
		t.Errorf("an empty file: %v, %v", empty, err)
	}
	if _, err := content.Hash(file, "md5"); err == nil {
		t.Error("md5 is an algorithm")
	}
}

// What is no regular file is refused at once, also where reading it would wait or
// never end.
func TestHashNeverWaits(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", dir+"/socket")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Symlink("loop", dir+"/loop"); err != nil {
		t.Fatal(err)
	}
	file := write(t, dir+"/file", "x")
	for _, row := range []struct{ name, text string }{
		{dir, "it is a directory, not a regular file"},
		{dir + "/fifo", "it is a FIFO, not a regular file"},
		{dir + "/socket", "it is a socket, not a regular file"},
		{"/dev/zero", "it is a device, not a regular file"},
		{"/dev/tty", "it is a device, not a regular file"},
		{"/proc/cpuinfo", "its size or time changes while it is read"},
		{dir + "/none", "no such file or directory"},
		{file + "/x", "not a directory"},
		{dir + "/loop", "too many levels of symbolic links"},
		{"", "no such file or directory"},
	} {
		done := make(chan error, 1)
		go func() {
			_, err := content.Hash(row.name, "sha384")
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil || err.Error() != row.text {
				t.Errorf("%s: %v; want %s", row.name, err, row.text)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: hashing does not end", row.name)
		}
	}
	var kind *content.KindError
	if _, err := content.Hash(dir, "sha384"); !errors.As(err, &kind) {
		t.Errorf("%v is no KindError", err)
	}
	if _, err := content.Hash(dir+"/none", "sha384"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not ErrNotExist", err)
	}
}

// A file whose writer alternates between two contents has one of their digests, or
// none.
func TestHashOfAChangingFile(t *testing.T) {
	name := t.TempDir() + "/file"
	texts := []string{strings.Repeat("a", 1<<20), strings.Repeat("b", 1<<20)}
	right := map[string]bool{}
	for _, text := range texts {
		d, err := integrity.Sum("sha256", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		right[d.String()] = true
	}
	write(t, name, texts[0])
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; !stop.Load(); i++ {
			if _, err := f.WriteAt([]byte(texts[i%2]), 0); err != nil {
				t.Error(err)
				return
			}
			time.Sleep(time.Duration(i%60) * time.Millisecond)
		}
	}()
	hashed, refused := 0, 0
	for range 100 {
		switch d, err := content.Hash(name, "sha256"); {
		case err != nil:
			refused++
		case !right[d.String()]:
			t.Errorf("a mixture was hashed: %v", d)
		default:
			hashed++
		}
	}
	stop.Store(true)
	<-done
	t.Logf("%d hashed, %d refused", hashed, refused)
	if hashed == 0 || refused == 0 {
		t.Error("this shows nothing")
	}
}
