package closure

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInterpreterOf(t *testing.T) {
	for _, test := range []struct {
		real, path, want string
		needed           []string
	}{
		{"/usr/bin/python3.11", "/usr/bin/python3", "python", nil},
		{"/usr/bin/python2.7", "", "python", nil},
		{"/opt/bin/python3.13t", "", "python", nil},
		{"/usr/bin/perl", "", "perl", nil},
		{"/usr/bin/perl5.36-x86_64-linux-gnu", "", "perl", nil},
		{"/usr/bin/ruby3.1", "", "ruby", nil},
		{"/usr/bin/node", "", "node", nil},
		{"/usr/bin/nodejs", "", "node", nil},
		{"/usr/bin/bash", "", "bash", nil},
		{"/usr/bin/dash", "/bin/sh", "sh", nil},
		{"/usr/lib/jvm/x/bin/java", "", "java", nil},
		{"/bin/busybox", "/bin/sh", "sh", nil},
		{"/bin/busybox", "/bin/ls", "", nil},
		{"/usr/lib/jvm/x/bin/javac", "", "java", []string{"libz.so.1", "libjli.so"}},
		{"/usr/bin/javac", "", "", []string{"libc.so.6"}},
		{"/usr/bin/javascript", "", "", nil},
		{"/usr/bin/shuf", "", "", nil},
		{"/usr/bin/nodemon", "", "", nil},
		{"/usr/bin/pythonic", "", "", nil},
		{"/usr/bin/true", "", "", nil},
	} {
		name := ""
		if row := interpreterOf(test.real, test.path, test.needed); row != nil {
			name = row.name
		}
		if name != test.want {
			t.Errorf("interpreterOf(%q, %q) = %q, want %q", test.real, test.path, name, test.want)
		}
	}
}

func TestScriptArgument(t *testing.T) {
	rows := map[string]*interpreter{}
	for i := range interpreters {
		if interpreters[i].names != nil {
			rows[interpreters[i].name] = &interpreters[i]
		}
	}
	for _, test := range []struct{ interpreter, args, want string }{
		{"python", "s.py a b", "s.py"},
		{"python", "-u -B s.py", "s.py"},
		{"python", "-W ignore s.py", "s.py"},
		{"python", "-Wignore s.py", "s.py"},
		{"python", "-BW ignore s.py", "s.py"},
		{"python", "-X dev -Ximporttime s.py", "s.py"},
		{"python", "--check-hash-based-pycs always s.py", "s.py"},
		{"python", "-c code s.py", ""},
		{"python", "-Bccode s.py", ""},
		{"python", "-m mod s.py", ""},
		{"python", "-V s.py", ""},
		{"python", "-", ""},
		{"python", "", ""},
		{"python", "-- -s.py", "-s.py"},
		{"node", "app.js --flag", "app.js"},
		{"node", "-r mod app.js", "app.js"},
		{"node", "--require=mod app.js", "app.js"},
		{"node", "--import ./x.mjs --inspect app.js", "app.js"},
		{"node", "--max-old-space-size=100 app.js", "app.js"},
		{"node", "-e code app.js", ""},
		{"node", "-pe code", ""},
		{"node", "--eval=code app.js", ""},
		{"perl", "-w s.pl", "s.pl"},
		{"perl", "-I lib -Mstrict s.pl", "s.pl"},
		{"perl", "-Ilib s.pl", "s.pl"},
		{"perl", "-i.bak -pe code f", ""},
		{"perl", "-MList::Util=sum -e code f", ""},
		{"perl", "-l012 -0777 -n s.pl", "s.pl"},
		{"perl", "-d:DProf s.pl", "s.pl"},
		{"ruby", "-r json -I lib s.rb", "s.rb"},
		{"ruby", "-rjson -w s.rb", "s.rb"},
		{"ruby", "-ne code f", ""},
		{"ruby", "--enable yjit s.rb", "s.rb"},
		{"bash", "-eu s.sh", "s.sh"},
		{"bash", "-o pipefail -e s.sh", "s.sh"},
		{"bash", "-eo pipefail s.sh", "s.sh"},
		{"bash", "+o posix s.sh", "s.sh"},
		{"bash", "--rcfile f -i s.sh", "s.sh"},
		{"bash", "-ec cmd s.sh", ""},
		{"bash", "-s a b", ""},
		{"sh", "-x s.sh", "s.sh"},
		{"sh", "-c cmd", ""},
		{"java", "-jar app.jar x", "app.jar"},
		{"java", "-Xmx1g -cp a:b Main", ""},
		{"java", "-cp a:b -jar app.jar", "app.jar"},
		{"java", "--source 17 Hi.java", "Hi.java"},
		{"java", "-m mod/Main", ""},
		{"java", "-version", ""},
	} {
		row := rows[test.interpreter]
		if row == nil {
			t.Fatalf("no row for %s", test.interpreter)
		}
		if got, unknown := row.options.script(strings.Fields(test.args)); got != test.want || unknown != "" {
			t.Errorf("%s %s: script %q, want %q, unknown option %q", test.interpreter, test.args, got, test.want, unknown)
		}
	}
}

func FuzzScriptArgument(f *testing.F) {
	f.Add("-W ignore s.py")
	f.Add("-eo pipefail s.sh")
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, " ")
		for i := range interpreters {
			got, _ := interpreters[i].options.script(args)
			if got != "" && !strings.Contains(line, got) {
				t.Errorf("%s %q: script %q", interpreters[i].name, args, got)
			}
		}
	})
}

// TestPython looks at what a python brings, by a made-up installation.
func TestPython(t *testing.T) {
	dir := tempDir(t)
	write(t, dir+"/base/bin/python3.99", string(model{interp: dir + "/ld.so"}.bytes()))
	write(t, dir+"/ld.so", string(model{soname: "ld.so"}.bytes()))
	write(t, dir+"/base/lib/python3.99/os.py", "")
	write(t, dir+"/base/lib/python3.9/os.py", "")
	write(t, dir+"/base/lib/python3.99/lib-dynload/_ssl.so", string(model{needed: []string{"libssl.so"}, runpath: "$ORIGIN/../.."}.bytes()))
	write(t, dir+"/base/lib/python3.99/lib-dynload/_ctypes.so", string(model{needed: []string{"libffi.so"}, runpath: "$ORIGIN/../.."}.bytes()))
	write(t, dir+"/base/lib/libssl.so", string(model{}.bytes()))
	write(t, dir+"/base/lib/libffi.so", string(model{}.bytes()))
	write(t, dir+"/venv/pyvenv.cfg", "home = "+dir+"/base/bin\ninclude-system-site-packages = false\n")
	write(t, dir+"/venv/lib/python3.99/site-packages/x.py", "")
	if err := os.MkdirAll(dir+"/venv/bin", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../base/bin/python3.99", dir+"/venv/bin/python"); err != nil {
		t.Fatal(err)
	}
	want := map[string]Access{
		dir + "/base/bin/python3.99":   Read | Execute | Map,
		dir + "/ld.so":                 Read | Execute | Map,
		dir + "/base/lib/python3.99":   Read,
		dir + "/base/lib/libssl.so":    Read | Map,
		dir + "/base/lib/libffi.so":    Read,
		dir + "/venv/pyvenv.cfg":       Read,
		dir + "/venv/lib":              Read,
		dir + "/base/lib/python3.9":    0,
		dir + "/venv":                  0,
		dir + "/base/lib/python3.99/x": 0,
	}
	c, err := Find(Request{Command: []string{dir + "/venv/bin/python"}, Env: nothing, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for path, access := range want {
		if got := accessOf(c, path); got != access {
			t.Errorf("%s: %v, want %v", path, got, access)
		}
	}
	if c.Interpreter != "python" || c.Program != dir+"/venv/bin/python" {
		t.Errorf("interpreter %q, program %q", c.Interpreter, c.Program)
	}
	var own []string
	for _, o := range c.Own {
		own = append(own, o.Path)
		if !matches(o.Except, "/x/_ctypes.cpython-399.so") {
			t.Errorf("%s: _ctypes is no exception", o.Path)
		}
	}
	if strings.Join(own, " ") != dir+"/venv/lib "+dir+"/base/lib/python3.99" {
		t.Errorf("own %q", own)
	}
}

// accessOf is the access to exactly one path.
func accessOf(c *Closure, path string) Access {
	for _, f := range c.Files {
		if f.Path == path {
			return f.Access
		}
	}
	return 0
}

// TestNativeModules loads each native module of the real interpreters in the mind
// of debug/elf, and looks for its libraries in the closure.
func TestNativeModules(t *testing.T) {
	for _, test := range []struct{ program, directory, module string }{
		{"/usr/bin/python3", "/usr/lib/python3.11/lib-dynload", "_ssl.cpython-311-x86_64-linux-gnu.so"},
		{"/usr/bin/perl", "/usr/lib/x86_64-linux-gnu/perl/5.36/auto/POSIX", "POSIX.so"},
	} {
		need(t, test.program)
		module := filepath.Join(test.directory, test.module)
		real, err := newDisk().real(module)
		if err != nil {
			continue // another version than this test knows; TestPython does not depend on it
		}
		c, err := Find(Request{Command: []string{test.program}, Env: nothing, Dir: "/"})
		if err != nil {
			t.Fatal(err)
		}
		l := newLoader(nothing, "/")
		o := l.readLibrary(real)
		if o == nil {
			t.Fatalf("%s cannot be read", real)
		}
		for _, name := range o.needed {
			found := false
			for _, f := range c.Files {
				target, err := newDisk().real(filepath.Dir(f.Path) + "/" + name)
				found = found || err == nil && target == f.Path && f.Access&Map != 0
			}
			if !found {
				t.Errorf("%s needs %s, which is not in the closure", module, name)
			}
		}
	}
}
