package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sandrun/integrity"
)

func mustParse(t testing.TB, text string) integrity.Set {
	t.Helper()
	set, err := integrity.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func mustOpen(t *testing.T, name string) *manifest {
	t.Helper()
	m, err := openManifest(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// leftovers fails where a directory holds more than the named files.
func leftovers(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("the directory holds %q, want %q", names, want)
	}
}

func TestReplaceKeepsModeAndOwner(t *testing.T) {
	dir := t.TempDir()
	name := write(t, dir+"/p.json", "{}")
	uid, gid := 4711, 4712
	if os.Geteuid() != 0 { // only root gives files away
		uid, gid = os.Geteuid(), os.Getegid()
	}
	if err := os.Chown(name, uid, gid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o462); err != nil {
		t.Fatal(err)
	}
	if err := mustOpen(t, name).replace([]byte("[]")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	if info.Mode() != 0o462 || int(st.Uid) != uid || int(st.Gid) != gid {
		t.Errorf("mode %v, owner %d:%d", info.Mode(), st.Uid, st.Gid)
	}
	leftovers(t, dir, "p.json")
}

// testList is a POSIX access list as the attribute holds it: the owner rw, user
// 4711 rw, the group r, the mask rw, others nothing.
var testList = []byte{
	2, 0, 0, 0,
	1, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,
	2, 0, 6, 0, 0x67, 0x12, 0, 0,
	4, 0, 4, 0, 0xff, 0xff, 0xff, 0xff,
	16, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,
	32, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
}

// The group reads: a mode of 0660 alone would let it write.
func TestReplaceKeepsTheAccessList(t *testing.T) {
	name := write(t, t.TempDir()+"/p.json", "{}")
	if err := unix.Setxattr(name, accessList, testList, 0); err != nil {
		t.Fatal(err)
	}
	if err := mustOpen(t, name).replace([]byte("[]")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 1000)
	n, err := unix.Getxattr(name, accessList, got)
	if err != nil || !bytes.Equal(got[:n], testList) {
		t.Errorf("the access list is %v, %v", got[:n], err)
	}
}

// A list that new files in the folder get is none of the manifest's.
func TestReplaceTakesNoAccessListFromTheFolder(t *testing.T) {
	dir := t.TempDir()
	name := write(t, dir+"/p.json", "{}")
	if err := unix.Setxattr(dir, "system.posix_acl_default", testList, 0); err != nil {
		t.Fatal(err)
	}
	if err := mustOpen(t, name).replace([]byte("[]")); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Getxattr(name, accessList, nil); !isNoAttribute(err) {
		t.Errorf("there is an access list of %d bytes, %v", n, err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// Whatever was done to the manifest meanwhile, it is not overwritten.
func TestReplaceSeesChanges(t *testing.T) {
	for what, change := range map[string]func(name string) error{
		"written in place": func(name string) error { return os.WriteFile(name, []byte("[]"), 0o600) },
		"renamed over": func(name string) error {
			if err := os.WriteFile(name+"2", []byte("{}"), 0o600); err != nil {
				return err
			}
			return os.Rename(name+"2", name)
		},
		"removed":     os.Remove,
		"other modes": func(name string) error { return os.Chmod(name, 0o600) },
		"another target": func(name string) error {
			if err := os.Rename(name, name+"2"); err != nil {
				return err
			}
			return os.Symlink("p.json2", name)
		},
		"a FIFO": func(name string) error {
			if err := os.Remove(name); err != nil {
				return err
			}
			return syscall.Mkfifo(name, 0o600)
		},
	} {
		dir := t.TempDir()
		name := write(t, dir+"/p.json", "{}")
		m := mustOpen(t, name)
		if err := change(name); err != nil {
			t.Fatal(err)
		}
		before, _ := os.Lstat(name)
		err := m.replace([]byte(`{"onerror": "log"}`))
		if err == nil || !strings.Contains(err.Error(), "changed meanwhile") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", what, err)
		}
		if after, _ := os.Lstat(name); before != nil && !os.SameFile(before, after) {
			t.Errorf("%s: it was replaced", what)
		}
		if _, err := os.Lstat(dir + "/.p.json.lock"); err == nil {
			t.Errorf("%s: the new file is left behind", what)
		}
	}
}

// Of many that lock one manifest at a time none undoes what another did.
func TestLockersKeepEachOtherOut(t *testing.T) {
	dir := t.TempDir()
	name := write(t, dir+"/p.json", "{}")
	const n = 12
	var files []string
	for i := range n {
		files = append(files, write(t, fmt.Sprintf("%s/f%02d", dir, i), "x"))
	}
	var wg sync.WaitGroup
	for _, file := range files {
		wg.Go(func() {
			for range 500 {
				var out, errs bytes.Buffer
				if run([]string{"lock", name, file}, &out, &errs) == exitYes {
					return
				}
				if text := errs.String(); !strings.Contains(text, "changed meanwhile") && !strings.Contains(text, ".lock\" exists") {
					t.Errorf("%s", text)
					return
				}
			}
			t.Errorf("%s: it never works", file)
		})
	}
	wg.Wait()
	if data := mustOpen(t, name).data; bytes.Count(data, []byte("./f")) != n {
		t.Errorf("%s", data)
	}
	var out, errs bytes.Buffer
	if status := run([]string{"lock", "--check", name}, &out, &errs); status != exitYes {
		t.Errorf("status %d: %s%s", status, &out, &errs)
	}
}

func TestReplaceFails(t *testing.T) {
	dir := t.TempDir()
	name := write(t, filepath.Join(dir, strings.Repeat("p", 250)), "{}")
	if err := mustOpen(t, name).replace([]byte("[]")); err == nil || !strings.Contains(err.Error(), "file name too long") {
		t.Errorf("%v", err)
	}
	if data := mustOpen(t, name).data; string(data) != "{}" {
		t.Errorf("it is %s", data)
	}
}
