package closure

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestFindRefuses has a case for each way in which a command cannot be run.
func TestFindRefuses(t *testing.T) {
	dir := tempDir(t)
	write(t, dir+"/text", "echo hi\n")
	write(t, dir+"/empty", "")
	write(t, dir+"/plain", "#!/bin/sh\n")
	write(t, dir+"/bits32", string(append([]byte("\x7fELF\x01\x01\x01"), make([]byte, 100)...)))
	write(t, dir+"/nointerp", "#!/no/such/interpreter -x\n")
	write(t, dir+"/noenv", "#!/usr/bin/env no-such-program\n")
	write(t, dir+"/badenv", "#!/usr/bin/env -S -C / sh\n")
	write(t, dir+"/itself", "#!"+dir+"/itself\n")
	write(t, dir+"/envloop", "#!/usr/bin/env\n")
	write(t, dir+"/noloader", string(model{interp: "/no/such/ld.so"}.bytes()))
	write(t, dir+"/notfile/inner", "")
	for _, err := range []error{
		os.Chmod(dir+"/plain", 0o644),
		unix.Mkfifo(dir+"/fifo", 0o755),
		os.Symlink("loop", dir+"/loop"),
		os.Symlink("nowhere", dir+"/dangling"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const missing, refused = "not found", "not executable"
	for _, test := range []struct{ command, kind, want string }{
		{"", missing, "is empty"},
		{"a\x00b", missing, "zero byte"},
		{"no-such-program", missing, "not found in PATH"},
		{"./nothing", missing, "no such file"},
		{"./dangling", missing, "no such file"},
		{"./text/x", missing, "not a directory"},
		{"./loop", refused, "too many levels of symbolic links"},
		{"./notfile", refused, "is a directory"},
		{"./plain", refused, "chmod +x"},
		{"plain", refused, "chmod +x"},
		{"./fifo", refused, "not a regular file"},
		{"/dev/null", refused, "not a regular file"},
		{"./text", refused, "neither an ELF file nor a #! script"},
		{"./empty", refused, "neither an ELF file nor a #! script"},
		{"./bits32", refused, "32-bit"},
		{"./nointerp", refused, `its #! interpreter "/no/such/interpreter": no such file`},
		{"./noenv", missing, "not found in PATH"},
		{"./badenv", refused, `"-C"`},
		{"./itself", refused, "too many"},
		{"./envloop", refused, "too many"},
		{"./noloader", refused, `its ELF interpreter "/no/such/ld.so": no such file`},
	} {
		start := time.Now()
		_, err := Find(Request{Command: []string{test.command}, Env: environ("PATH=" + dir), Dir: dir})
		var none *NotFoundError
		var not *NotExecutableError
		kind := map[bool]string{errors.As(err, &none): missing, errors.As(err, &not): refused}[true]
		if err == nil || kind != test.kind || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %s: %v, want %s: %s", test.command, kind, err, test.kind, test.want)
		}
		if spent := time.Since(start); spent > 5*time.Second {
			t.Errorf("%q took %v", test.command, spent)
		}
	}
	if _, err := Find(Request{Env: nothing, Dir: "/"}); err == nil {
		t.Error("no command is found")
	}
}

func TestLookPath(t *testing.T) {
	dir := tempDir(t)
	write(t, dir+"/a/tool", "#!/bin/sh\n")
	write(t, dir+"/b/tool", "#!/bin/sh\n")
	write(t, dir+"/tool", "#!/bin/sh\n")
	if err := errors.Join(os.Chmod(dir+"/a/tool", 0o644), os.MkdirAll(dir+"/c/tool", 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path, want string
		warns      bool
	}{
		{dir + "/a:" + dir + "/b", dir + "/b/tool", false},
		{dir + "/c:" + dir + "/none:" + dir + "/b", dir + "/b/tool", false},
		{"b", "b/tool", false},
		{":" + dir + "/b", "./tool", true},
		{dir + "/a:", "./tool", true},
		{"", "./tool", true},
	} {
		path, warning, err := lookPath("tool", environ("PATH="+test.path), dir)
		if err != nil || path != test.want || (warning != "") != test.warns {
			t.Errorf("PATH=%s: %q, %q, %v", test.path, path, warning, err)
		}
	}
	if path, _, err := lookPath("sh", nothing, dir); err != nil || path != "/bin/sh" {
		t.Errorf("without PATH: %q, %v", path, err)
	}
}

// TestScripts follows #! lines to the interpreter.
func TestScripts(t *testing.T) {
	dir := tempDir(t)
	write(t, dir+"/plain", "#!/bin/sh -e\n")
	write(t, dir+"/env", "#!/usr/bin/env -S -i A=1 sh -e\n")
	write(t, dir+"/outer", "#!"+dir+"/env x\n")
	sh, err := newDisk().real("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		command       string
		exec          string
		argv          []string
		read, execute []string
	}{
		{"./plain arg", "./plain", []string{"./plain", "arg"}, nil, []string{"plain"}},
		{"plain", dir + "/plain", []string{"plain"}, nil, []string{"plain"}},
		{"./env arg", "/bin/sh", []string{"sh", "-e", "./env", "arg"}, []string{"env"}, nil},
		{"./outer arg", "/bin/sh", []string{"sh", "-e", dir + "/env", "x", "./outer", "arg"}, []string{"env", "outer"}, nil},
		{"/bin/sh ./plain arg", "/bin/sh", []string{"/bin/sh", "./plain", "arg"}, []string{"plain"}, nil},
	} {
		c, err := Find(Request{Command: strings.Fields(test.command), Env: environ("PATH=" + dir + ":/bin"), Dir: dir})
		if err != nil {
			t.Errorf("%s: %v", test.command, err)
			continue
		}
		if c.Exec != test.exec || !slices.Equal(c.Argv, test.argv) {
			t.Errorf("%s: runs %q %q", test.command, c.Exec, c.Argv)
		}
		if c.Program != filepath.Clean(absolute(dir, test.exec)) {
			t.Errorf("%s: program %q", test.command, c.Program)
		}
		for _, name := range test.read {
			if got := accessOf(c, dir+"/"+name); got != Read {
				t.Errorf("%s: %s: %v, want read", test.command, name, got)
			}
		}
		for _, name := range test.execute {
			if got := accessOf(c, dir+"/"+name); got != Read|Execute {
				t.Errorf("%s: %s: %v, want read,execute", test.command, name, got)
			}
		}
		if got := accessOf(c, sh); got != Read|Execute|Map || c.Interpreter == "" || c.Script == "" {
			t.Errorf("%s: shell %v, interpreter %q, script %q", test.command, got, c.Interpreter, c.Script)
		}
		if accessOf(c, dir) != 0 {
			t.Errorf("%s: the folder of the script is granted", test.command)
		}
	}
}

// secrets must be in no closure, whatever the program.
var secrets = []string{
	"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/hosts", "/etc/resolv.conf", "/etc/machine-id", "/etc/ssh",
	"/etc/ssl/private", "/proc", "/sys", "/root", "/home", "/tmp", "/var/lib", "/run",
}

// TestEveryClosure holds what must be true of each closure over all programs of
// the system.
func TestEveryClosure(t *testing.T) {
	entries, err := os.ReadDir("/usr/bin")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range entries {
		c, err := Find(Request{Command: []string{"/usr/bin/" + e.Name()}, Env: environ("PATH=/usr/bin:/bin"), Dir: "/"})
		if err != nil {
			continue
		}
		found++
		for i, f := range c.Files {
			real, err := filepath.EvalSymlinks(f.Path)
			if err != nil || real != f.Path {
				t.Errorf("%s: %s leads to %q, %v", e.Name(), f.Path, real, err)
			}
			if i > 0 && c.Files[i-1].Path >= f.Path {
				t.Errorf("%s: %s is out of order", e.Name(), f.Path)
			}
			if f.Access == 0 || f.Why == "" || f.Access&Execute != 0 && f.Access&Read == 0 {
				t.Errorf("%s: %+v", e.Name(), f)
			}
			if f.Access&Write != 0 && !strings.HasPrefix(f.Path, "/dev/") {
				t.Errorf("%s may write %s", e.Name(), f.Path)
			}
			for _, secret := range secrets {
				above := f.Tree && (f.Path == "/" || strings.HasPrefix(secret, f.Path+"/"))
				if f.Path == secret || above || strings.HasPrefix(f.Path, secret+"/") && secret != "/var/lib" {
					t.Errorf("%s: %s is in the closure, and %s is a secret", e.Name(), f.Path, secret)
				}
			}
		}
	}
	t.Logf("%d programs", found)
	if found < 50 {
		t.Errorf("found %d programs only", found)
	}
}

func TestGoProgram(t *testing.T) {
	c, err := Find(Request{Command: []string{self(t)}, Env: nothing, Dir: "/"})
	if err != nil || c.Threads != "a Go program" {
		t.Errorf("this test binary: threads %q, %v", c.Threads, err)
	}
	if c, err = Find(Request{Command: []string{"/bin/sh"}, Env: nothing, Dir: "/"}); err != nil || c.Threads != "" {
		t.Errorf("sh: threads %q, %v", c.Threads, err)
	}
}

// TestBare has only the ELF closure.
func TestBare(t *testing.T) {
	c, err := Find(Request{Command: []string{"/bin/sh"}, Env: nothing, Dir: "/", Bare: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Files {
		if f.Tree || f.Access&Map == 0 && f.Path != "/etc/ld.so.cache" {
			t.Errorf("%+v is more than the ELF closure", f)
		}
	}
	if len(c.Own) != 0 {
		t.Errorf("own %v", c.Own)
	}
}

func TestStatic(t *testing.T) {
	dir := tempDir(t)
	write(t, dir+"/static", string(model{}.bytes()))
	c, err := Find(Request{Command: []string{"./static"}, Env: nothing, Dir: dir})
	if err != nil || !c.Static || len(c.Own) != 0 || len(c.Loaders) != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	if accessOf(c, "/dev/null") != Read|Write || accessOf(c, "/etc/ld.so.cache") != 0 {
		t.Errorf("files %v", c.Files)
	}
}

// TestOfExecutable has native code and nothing else.
func TestOfExecutable(t *testing.T) {
	c, err := OfExecutable("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	if accessOf(c, "/dev/null") != 0 || c.Interpreter == "" || len(c.Loaders) != 1 {
		t.Errorf("%+v", c)
	}
	for _, path := range []string{"/dev/null", "/etc/passwd", "/etc", "/nothing"} {
		if c, err := OfExecutable(path); err == nil {
			t.Errorf("OfExecutable(%s) = %+v", path, c)
		}
	}
}
