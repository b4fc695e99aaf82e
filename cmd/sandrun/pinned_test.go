//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sandrun/integrity"
)

const code = integrity.Code

// A lockbox is a directory with a manifest that pins files in it.
type lockbox struct {
	u         user
	dir       string
	permits   string            // of the manifest: the members of "permission"
	onError   string            // "" is throw
	resources map[string]string // key to digests, or "true"
}

// sri is the digest of a content.
func sri(t *testing.T, algorithm, content string) string {
	t.Helper()
	d, err := integrity.Sum(algorithm, strings.NewReader(content))
	must(t, err)
	return d.String()
}

// newPinned makes the files and pins each of them.
func newPinned(t *testing.T, u user, files map[string]string) *lockbox {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandrun-pinned-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	own(t, u, dir)
	p := &lockbox{u: u, dir: dir, permits: `"allow-fs-read": ["./"]`, resources: map[string]string{}}
	for name, content := range files {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(content, "#!") || strings.HasPrefix(content, "\x7fELF") {
			mode = 0o755
		}
		write(t, u, dir+"/"+name, content, mode)
		p.resources["./"+name] = sri(t, "sha384", content)
	}
	return p
}

// manifest writes the manifest and returns its path.
func (p *lockbox) manifest(t *testing.T) string {
	t.Helper()
	var list []string
	for key, digests := range p.resources {
		value := fmt.Sprintf("%q", digests)
		if digests == "true" {
			value = digests
		}
		list = append(list, fmt.Sprintf("%q: {\"integrity\": %s}", key, value))
	}
	slices.Sort(list)
	onError := p.onError
	if onError == "" {
		onError = "throw"
	}
	path := p.dir + "/p.json"
	write(t, p.u, path, fmt.Sprintf("{\n\"onerror\": %q,\n\"permission\": {%s},\n\"resources\": {\n%s\n}}\n", onError, p.permits, strings.Join(list, ",\n")), 0o644)
	return path
}

// run runs a command under the manifest.
func (p *lockbox) run(t *testing.T, args ...string) result {
	t.Helper()
	return sandboxed(t, p.u, p.dir, []string{"--policy", p.manifest(t)}, args...)
}

// tell runs the operator under the manifest and goes through the steps.
func (p *lockbox) tell(t *testing.T, steps ...step) {
	t.Helper()
	o := startOperator(t, command(p.u, p.dir, sandrun, "--quiet", "--policy", p.manifest(t), "--", fileops))
	defer o.stop()
	for i, s := range steps {
		if s.outside != nil {
			must(t, s.outside(p.dir))
			must(t, chownAll(p.u, p.dir))
			continue
		}
		if answer, _ := o.ask(fmt.Sprintf("%d\t%s\t%s", i, p.dir, s.calls)); !answers(s.want, answer) {
			t.Errorf("step %d: %s\n\t got %s\n\twant %s", i, s.calls, answer, s.want)
		}
	}
}

// inPlace writes a content into a file and puts its times back.
func inPlace(name, content string) func(string) error {
	return func(dir string) error {
		path := dir + "/" + name
		before, err := os.Stat(path)
		if err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
		if err != nil {
			return err
		}
		if _, err := f.WriteString(content); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
		return os.Chtimes(path, before.ModTime(), before.ModTime())
	}
}

// written writes bytes into a file without emptying it first.
func written(name, content string) func(string) error {
	return func(dir string) error {
		f, err := os.OpenFile(dir+"/"+name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.WriteString(content)
		return err
	}
}

func removed(name string) func(string) error {
	return func(dir string) error { return os.Remove(dir + "/" + name) }
}

func made(name, content string) func(string) error {
	return func(dir string) error {
		if err := os.MkdirAll(filepath.Dir(dir+"/"+name), 0o755); err != nil {
			return err
		}
		return os.WriteFile(dir+"/"+name, []byte(content), 0o644)
	}
}

// all does several things.
func all(do ...func(string) error) func(string) error {
	return func(dir string) error {
		for _, f := range do {
			if err := f(dir); err != nil {
				return err
			}
		}
		return nil
	}
}

// openings are ways to open the file data of the scene of names.
var openings = []string{
	"open data O_RDONLY", "open %D/data O_RDONLY", "open ./data O_RDONLY", "open sub/../data O_RDONLY", "open /%D//data O_RDONLY",
	"open link O_RDONLY", "open chain O_RDONLY", "open hard O_RDONLY", "open sub/up O_RDONLY", "open dirlink/data O_RDONLY",
	"openat AT_FDCWD data O_RDONLY", "openat 9 %D/data O_RDONLY", "openat2 AT_FDCWD data O_RDONLY", "openat2 AT_FDCWD link O_RDONLY",
	"openat2 AT_FDCWD data O_RDONLY 0 RESOLVE_NO_SYMLINKS", "openat2 AT_FDCWD data O_RDONLY 0 RESOLVE_BENEATH", "openat2 AT_FDCWD data O_RDONLY|O_CLOEXEC",
	"open /proc/self/cwd/data O_RDONLY", "open data O_RDONLY|O_NOFOLLOW", "open data O_RDONLY|O_CLOEXEC", "open data O_RDONLY|O_NONBLOCK",
	"open data O_RDONLY|O_NOATIME", "open data O_RDONLY|O_APPEND", "open data O_RDONLY|O_CREAT", "open data O_RDONLY|O_DIRECT",
}

// names makes a directory in which a file has many names.
func names(t *testing.T, u user) *lockbox {
	p := newPinned(t, u, map[string]string{"data": "right"})
	p.permits = `"allow-fs-read": ["./", "/proc/self"], "allow-fs-write": ["./"]`
	must(t, os.MkdirAll(p.dir+"/sub", 0o755))
	must(t, all(linked("data", "link"), linked("link", "chain"), linked("../data", "sub/up"), linked(".", "dirlink"))(p.dir))
	must(t, os.Link(p.dir+"/data", p.dir+"/hard"))
	must(t, chownAll(u, p.dir))
	return p
}

// TestEverySpellingOfAPinnedOpen: each way to open a listed file gives the verified
// bytes, and EACCES once they are not right.
func TestEverySpellingOfAPinnedOpen(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		var right, wrong []step
		for _, way := range openings {
			right = append(right, step{way + "; read 3; lseek 3 1; read 3", "3; right; 1; ight", nil})
			want := "EACCES"
			switch {
			case strings.Contains(way, "hard"): // it stays the right file where data is another
				want = "EACCES/3"
			case strings.Contains(way, "NO_SYMLINKS"), strings.Contains(way, "NOFOLLOW"): // data may be a symbolic link
				want = "EACCES/ELOOP"
			}
			wrong = append(wrong, step{way, want, nil})
		}
		names(t, u).tell(t, right...)
		for _, change := range []func(string) error{written("data", "wrong"), inPlace("data", "wrong"), written("hard", "wrong"), replaced("data", "wrong"), linked("other", "data")} {
			p := names(t, u)
			must(t, made("other", "wrong")(p.dir))
			p.tell(t, append([]step{{"open data O_RDONLY; read 3", "3; right", nil}, {outside: change}}, wrong...)...)
		}
		// A descriptor that only names the file, and one that was closed meanwhile.
		p := names(t, u)
		p.tell(t, step{"open data O_PATH; open /proc/self/fd/3 O_RDONLY; read 4; open data O_RDONLY; dup2 5 9; open /proc/self/fd/9 O_RDONLY; read 6", "3; 4; right; 5; 9; 6; right", nil},
			step{outside: written("data", "wrong")}, step{"open data O_PATH; open /proc/self/fd/3 O_RDONLY; openat2 AT_FDCWD /proc/self/fd/3 O_RDONLY", "3; EACCES; EACCES", nil})
	})
}

// TestPinnedCopies: what is handed out can be read in every way and changed in none.
func TestPinnedCopies(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		p := names(t, u)
		p.tell(t, step{"open data O_RDONLY; fstat 3; open data O_RDONLY; read 3; read 4; lseek 3 2; read 3; read 4", "3; *; 4; right; right; 2; ght; ", nil},
			step{"open data O_RDONLY; write 3 x; ftruncate 3 0; mmap 3 PROT_READ; mmap 3 PROT_READ|PROT_WRITE", "3; EBADF; EINVAL; 0; EACCES", nil},
			step{"open data O_RDONLY; open /proc/self/fd/3 O_RDWR; write 4 x; ftruncate 4 1; mmap 4 PROT_READ|PROT_WRITE; openat2 AT_FDCWD /proc/self/fd/3 O_RDWR", "3; 4/EACCES; EPERM/EBADF; EPERM/EBADF; EPERM/EBADF; EACCES", nil},
			step{"open data O_RDONLY; open /proc/self/fd/3 O_WRONLY|O_TRUNC; open /proc/self/fd/3 O_RDONLY|O_TRUNC; truncate /proc/self/fd/3 0; lseek 3 0; read 3", "3; EACCES/EPERM; EACCES/EPERM; EACCES/EPERM; 0; right", nil},
			step{"open data O_RDONLY; getfl 3; getfd 3; close 3; open data O_RDONLY|O_CLOEXEC; getfd 3", "3; *; 0; 0; 3; 1", nil},
			step{"open data O_RDONLY|O_DIRECTORY; open data/ O_RDONLY; open link O_RDONLY|O_NOFOLLOW; open data O_RDONLY|O_CREAT|O_EXCL 0644; open none O_RDONLY", "ENOTDIR; ENOTDIR; ELOOP; EEXIST; ENOENT", nil})
	})
}

// TestPinnedFilesAreNotWritten: with every right to write, a listed file is neither
// opened for writing nor emptied.
func TestPinnedFilesAreNotWritten(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		for _, permits := range []string{`"allow-fs-read": ["./", "/proc/self"], "allow-fs-write": ["./"]`, `"allow-fs-read": "*", "allow-fs-write": "*"`, `"allow-fs-read": ["./d*", "./l*", "./h*"], "allow-fs-write": ["./d*", "./l*", "./h*"]`} {
			p := names(t, u)
			p.permits = strings.NewReplacer(`"*"`, `["*"]`).Replace(permits)
			const no = "EACCES"
			for _, name := range []string{"data", "link", "hard", "dirlink/data", "%D/data"} {
				for _, how := range []string{"open NAME O_WRONLY", "open NAME O_RDWR", "open NAME O_WRONLY|O_TRUNC", "open NAME O_RDONLY|O_TRUNC", "open NAME O_RDWR|O_CREAT 0644", "creat NAME 0644", "truncate NAME 0", "openat2 AT_FDCWD NAME O_WRONLY", "openat2 AT_FDCWD NAME O_RDONLY|O_TRUNC"} {
					p.tell(t, step{strings.ReplaceAll(how, "NAME", name), no, nil})
				}
			}
			p.tell(t, step{"open data O_RDONLY; read 3", "3; right", nil})
		}
	})
}

// TestPinnedNamesThatGetOtherFiles: what takes the name of a listed file has to be
// right as well.
func TestPinnedNamesThatGetOtherFiles(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		fill := step{"open new O_WRONLY|O_CREAT 0644; write 3 wrong; rename new data; open data O_RDONLY; openat2 AT_FDCWD data O_RDONLY; open data O_WRONLY", "3; 5; 0; EACCES; EACCES; EACCES", nil}
		names(t, u).tell(t, fill)
		names(t, u).tell(t, step{"open new O_WRONLY|O_CREAT 0644; write 3 right; rename new data; open data O_RDONLY; read 4", "3; 5; 0; 4; right", nil})
		names(t, u).tell(t, step{"unlink data; open data O_RDONLY; open data O_WRONLY|O_CREAT 0644; open hard O_RDONLY; read 3", "0; ENOENT; EACCES; 3; right", nil})
		names(t, u).tell(t, step{"unlink data; symlink hard data; open data O_RDONLY; read 3; unlink data; symlink other data; open data O_RDONLY", "0; 0; 3; right; 0; 0; ENOENT", nil},
			step{outside: made("other", "wrong")}, step{"open data O_RDONLY; openat2 AT_FDCWD data O_RDONLY", "EACCES; EACCES", nil})
	})
}

// pinnedScript reads its data file, waits for a line, and reads it again.
const pinnedScript = "#!%s\n$| = 1; open(F, '<', $ARGV[0]) or die \"open: $!\\n\"; print 'read ', <F>, \"\\n\"; <STDIN>; open(F, '<', $ARGV[0]) or die \"again: $!\\n\"; print 'read ', <F>, \"\\n\";\n"

// trio pins an interpreter of its own (a copy of perl), a script and a data file.
func trio(t *testing.T, u user, onError string) *lockbox {
	t.Helper()
	perl, err := os.ReadFile("/usr/bin/perl")
	must(t, err)
	p := newPinned(t, u, map[string]string{"data": "right", "bin/perl": string(perl)})
	script := fmt.Sprintf(pinnedScript, p.dir+"/bin/perl")
	write(t, u, p.dir+"/script", script, 0o755)
	p.resources["./script"] = sri(t, "sha512", script)
	p.onError = onError
	return p
}

// changes put one other byte into a file, each in another way.
var changes = map[string]func(name, content string) func(string) error{
	"in place":       written,
	"times put back": inPlace,
	"renamed":        func(name, content string) func(string) error { return keepingMode(name, replaced(name, content)) },
	"unlinked": func(name, content string) func(string) error {
		return keepingMode(name, all(removed(name), made(name, content)))
	},
	"linked": func(name, content string) func(string) error {
		return all(keepingMode(name, all(made("elsewhere", content), modeOf(name, "elsewhere"), removed(name), func(dir string) error { return os.Symlink(dir+"/elsewhere", dir+"/"+name) })))
	},
}

// modeOf gives one file the mode of another.
func modeOf(from, to string) func(string) error {
	return func(dir string) error {
		st, err := os.Stat(dir + "/" + from)
		if err != nil {
			return err
		}
		return os.Chmod(dir+"/"+to, st.Mode())
	}
}

func keepingMode(name string, do func(string) error) func(string) error {
	return func(dir string) error {
		st, err := os.Stat(dir + "/" + name)
		if err == nil {
			err = do(dir)
		}
		if err == nil {
			err = os.Chmod(dir+"/"+name, st.Mode())
		}
		return err
	}
}

// otherByte changes the last byte of a content.
func otherByte(content []byte) string {
	b := slices.Clone(content)
	b[len(b)-1] ^= 1
	return string(b)
}

// TestChangeBeforeTheRun: one other byte in any of the three, however it came there,
// is caught, and policy lock repairs the manifest.
func TestChangeBeforeTheRun(t *testing.T) {
	statuses := map[string]int{"throw": 126, "exit": 77, "log": 0}
	asEach(t, func(t *testing.T, u user, _ string) {
		for onError, status := range statuses {
			for kind, change := range changes {
				for _, name := range []string{"bin/perl", "script", "data"} {
					p := trio(t, u, onError)
					mustWork(t, p.run(t, "./script", "data"))
					before, err := os.ReadFile(p.dir + "/" + name)
					must(t, err)
					must(t, change(name, otherByte(before))(p.dir))
					must(t, chownAll(u, p.dir))
					p.judge(t, fmt.Sprintf("%s: %s %s", onError, name, kind), name, status, p.run(t, "./script", "data"))
					mustWork(t, plain(t, u, p.dir, sandrun, "policy", "lock", "p.json"))
					r := sandboxed(t, u, p.dir, []string{"--policy", "p.json"}, "./script", "data")
					if mustWork(t, r); !strings.Contains(r.out, "read righ") || strings.Contains(r.err, code) {
						t.Errorf("%s %s: after lock: %s%s", name, kind, r.out, r.err)
					}
				}
			}
		}
	})
}

// judge looks at a run in which a file was not right.
func (p *lockbox) judge(t *testing.T, what, name string, status int, r result) {
	t.Helper()
	wanted, _ := os.ReadFile(p.dir + "/" + name)
	actual := sri(t, map[bool]string{true: "sha512", false: "sha384"}[name == "script"], string(wanted))
	for _, part := range []string{code, p.resources["./"+name], actual, name} {
		if !strings.Contains(r.err, part) && !(part == name && strings.Contains(r.err, "elsewhere")) {
			t.Errorf("%s: %q is not in: %s", what, part, r.err)
		}
	}
	switch {
	case name == "data" && status == 126:
		if r.status == 0 || strings.Contains(r.out, "read") || !strings.Contains(r.err, "open: Permission denied") {
			t.Errorf("%s: status %d: %s%s", what, r.status, r.out, r.err)
		}
	case r.status != status:
		t.Errorf("%s: status %d, want %d: %s%s", what, r.status, status, r.out, r.err)
	case status != 0 && strings.Contains(r.out, "read"):
		t.Errorf("%s: it ran: %s", what, r.out)
	case status == 0 && !strings.Contains(r.out, "read"):
		t.Errorf("%s: it did not go ahead: %s%s", what, r.out, r.err)
	case status != 0 && name != "data" && !strings.Contains(r.err, "sandrun: hint: if the new content is the right one: sandrun policy lock "):
		t.Errorf("%s: no hint: %s", what, r.err)
	}
}
