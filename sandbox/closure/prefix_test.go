package closure

import (
	"slices"
	"strings"
	"testing"
)

// installations makes those of every interpreter, into one directory, and returns
// what must be granted of them.
func installations(t testing.TB, dir string) map[string][]string {
	t.Helper()
	for _, path := range []string{
		"lib/python3.99/os.py", "lib/perl5/5.99/strict.pm", "lib/perl5/site_perl/X.pm", "lib/site_perl/X.pm", "lib/ruby/3.99/rubygems.rb",
		"lib/node_modules/npm/package.json", "lib/modules", "lib/server/libjvm.so", "conf/x", "legal/x", "release", "other",
	} {
		write(t, dir+"/"+path, "")
	}
	return map[string][]string{
		"python3": {"lib/python3.99"}, "python3.99": {"lib/python3.99"}, "perl5": {"lib/perl5", "lib/site_perl"}, "ruby": {"lib/ruby"},
		"node": {"lib/node_modules"}, "java": {"lib", "conf", "legal", "release"}, "python3.9": nil, "bash": nil, "sh": nil, "tool": nil,
	}
}

// TestInstallations grants what an installation in an unusual place is made of,
// and the script; without its marks, neither.
func TestInstallations(t *testing.T) {
	dir := tempDir(t)
	script := write(t, dir+"/x.java", "")
	parts := func(path string, home string) (got []string, ran string) {
		t.Helper()
		c, err := Find(Request{Command: []string{path, script}, Env: environ("HOME=" + home), Dir: "/"})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range c.Files {
			if rest, ok := strings.CutPrefix(f.Path, dir+"/opt/x/"); ok && f.Path != path {
				got = append(got, rest)
			}
		}
		return got, c.Script
	}
	for name, want := range installations(t, dir+"/opt/x") {
		path := write(t, dir+"/opt/x/bin/"+name, string(model{}.bytes()))
		got, ran := parts(path, "/nobody")
		slices.Sort(want)
		if !slices.Equal(got, want) || (ran == script) != (want != nil) {
			t.Errorf("%s: %q and the script %q, want %q", name, got, ran, want)
		}
		for _, home := range []string{dir + "/opt/x", dir + "/opt/x/me"} {
			if got, ran = parts(path, home); got != nil || ran != "" {
				t.Errorf("%s in the home %s: %q, %q", name, home, got, ran)
			}
		}
		path = write(t, dir+"/opt/x/tools/"+name, string(model{}.bytes()))
		if got, ran = parts(path, "/nobody"); got != nil || ran != "" {
			t.Errorf("%s in no bin: %q, %q", name, got, ran)
		}
	}
}

// TestShared has the directories that are nobody's installation.
func TestShared(t *testing.T) {
	l := newLoader(environ("HOME=/work/people/me"), "/")
	for dir, want := range map[string]bool{
		"/": true, "/tmp": true, "/root": true, "/etc": true, "/etc/x": true, "/home": true, "/home/me": true, "/proc/1/root": true,
		"/run/user/1": true, "/var": true, "/var/lib": true, "/opt": true, "/work": true, "/work/people": true, "/sys": true, "/dev/shm": true,
		"/home/me/.pyenv/versions/3": false, "/opt/jdk": false, "/root/.pyenv/versions/3": false, "/venv": false, "/var/lang": false, "/etcetera": false,
	} {
		if got := l.isShared(dir); got != want {
			t.Errorf("%s: %v", dir, got)
		}
	}
	l = newLoader(environ("HOME=/"), "/")
	if l.isShared("/opt/jdk") {
		t.Error("the root as a home forbids every installation")
	}
}

// TestUsualInterpreter holds the one name that is taken without a look at the file.
func TestUsualInterpreter(t *testing.T) {
	if got := interpOf("/bin/sh"); got != native.interp {
		t.Errorf("the ELF interpreter of /bin/sh is %q, not %q", got, native.interp)
	}
}
