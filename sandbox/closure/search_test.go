package closure

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// compile makes a library, or with main a program, that needs others.
func compile(t *testing.T, out string, program bool, args ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		t.Fatal(err)
	}
	source := write(t, filepath.Dir(out)+"/source.c", "int "+strings.TrimSuffix("main_", map[bool]string{true: "_"}[program])+"(void) { return 0; }\n")
	all := []string{source, "-o", out, "-Wl,--no-as-needed"}
	if !program {
		all = append(all, "-shared", "-fPIC")
	}
	if message, err := exec.Command("gcc", append(all, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v: %s", err, message)
	}
}

// TestSearchAgreesWithLoader builds programs whose libraries are found in every
// way that there is, and asks the ELF interpreter.
func TestSearchAgreesWithLoader(t *testing.T) {
	need(t, "gcc")
	dir := tempDir(t)
	old, modern := "-Wl,--disable-new-dtags,-rpath,", "-Wl,--enable-new-dtags,-rpath,"
	// Two libraries of one name, so that the order of the search shows.
	for _, place := range []string{"one", "two", "sub/lib"} {
		compile(t, dir+"/"+place+"/libleaf.so", false)
	}
	compile(t, dir+"/mid/libmid.so", false, "-L"+dir+"/one", "-lleaf")
	compile(t, dir+"/mid/libmidrun.so", false, "-L"+dir+"/one", "-lleaf", modern+dir+"/two")
	compile(t, dir+"/soname/libreal.so", false, "-Wl,-soname,libleaf.so")
	mid := []string{"-L" + dir + "/mid", "-L" + dir + "/one", "-lmid"}
	for name, args := range map[string][]string{
		"rpath is inherited":      append(mid, old+dir+"/mid:"+dir+"/one"),
		"runpath is not":          append(mid, modern+dir+"/mid:"+dir+"/one", "-Wl,--allow-shlib-undefined"),
		"the first of two":        append(mid, old+dir+"/mid:"+dir+"/two:"+dir+"/one"),
		"runpath of the library":  {"-L" + dir + "/mid", "-L" + dir + "/two", "-lmidrun", modern + dir + "/mid"},
		"rpath before its own":    {"-L" + dir + "/mid", "-L" + dir + "/two", "-lmidrun", old + dir + "/mid:" + dir + "/one"},
		"origin":                  {"-L" + dir + "/sub/lib", "-lleaf", modern + "$ORIGIN/../sub/lib"},
		"origin in braces":        {"-L" + dir + "/sub/lib", "-lleaf", modern + "${ORIGIN}/../sub/lib"},
		"lib":                     {"-L" + dir + "/sub/lib", "-lleaf", modern + dir + "/$LIB"},
		"a name with a slash":     {dir + "/mid/libmid.so", old + dir + "/one"},
		"another is loaded first": {dir + "/two/libleaf.so", "-L" + dir + "/mid", "-lmid", old + dir + "/mid:" + dir + "/one"},
		"the soname counts":       {"-L" + dir + "/soname", "-lreal", "-L" + dir + "/mid", "-lmid", old + dir + "/soname:" + dir + "/mid:" + dir + "/one"},
		"no default directories":  append(mid, "-Wl,-z,nodefaultlib", modern+dir+"/mid"),
		"an empty element":        {"-L" + dir + "/one", "-lleaf", modern + ":" + dir + "/none"},
		"library path":            mid,
	} {
		program := dir + "/bin/" + strings.ReplaceAll(name, " ", "-")
		compile(t, program, true, append(args, "-Wl,-rpath-link,"+dir+"/one")...)
		for _, env := range [][]string{nil, {"LD_LIBRARY_PATH=" + dir + "/two:" + dir + "/mid"}, {"LD_LIBRARY_PATH=" + dir + "/none;" + dir + "/mid:one"}, {"LD_PRELOAD=" + dir + "/one/libleaf.so libmid.so"}} {
			t.Run(name+" "+strings.Join(env, ""), func(t *testing.T) { sameSearch(t, program, env, dir) })
		}
	}
}

func sameSearch(t *testing.T, program string, env []string, dir string) {
	cmd := exec.Command(interpOf(program), "--list", program)
	cmd.Env, cmd.Dir = append([]string{"PWD=" + dir}, env...), dir
	out, _ := cmd.CombinedOutput() // it fails where a library is missing, and says so
	var want []string
	missing := false
	for line := range strings.Lines(string(out)) {
		missing = missing || strings.Contains(line, "not found") || strings.Contains(line, "cannot open shared object file") && !strings.Contains(line, "LD_PRELOAD")
		for _, word := range strings.Fields(line) {
			if strings.Contains(line, "(0x") && (strings.HasPrefix(word, "/") || strings.HasPrefix(word, "one/") || strings.HasPrefix(word, "./")) {
				if real, err := newDisk().real(absolute(dir, word)); err == nil {
					want = append(want, real)
				}
			}
		}
	}
	c, err := Find(Request{Command: []string{program}, Env: environ(env...), Dir: dir, Bare: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range c.Files {
		if f.Access&Map != 0 && f.Path != program {
			got = append(got, f.Path)
		}
	}
	slices.Sort(want)
	if want = slices.Compact(want); !missing && !slices.Equal(got, want) {
		t.Errorf("closure %q, the loader loads %q\n%s", got, want, out)
	}
	if missing != (len(c.Warnings) > 0) {
		t.Errorf("warnings %q, the loader says\n%s", c.Warnings, out)
	}
}

// TestVariants takes the variants for every processor, and goes on to look for the
// plain one.
func TestVariants(t *testing.T) {
	dir := tempDir(t)
	library := string(model{}.bytes())
	write(t, dir+"/ld.so", library)
	write(t, dir+"/a/glibc-hwcaps/x86-64-v3/libx.so", library)
	write(t, dir+"/b/glibc-hwcaps/x86-64-v2/libx.so", library)
	write(t, dir+"/b/libx.so", library)
	write(t, dir+"/c/libx.so", library)
	write(t, dir+"/wrong/libx.so", "no library")
	write(t, dir+"/p", string(model{interp: dir + "/ld.so", needed: []string{"libx.so"}, runpath: dir + "/wrong:" + dir + "/a:" + dir + "/b:" + dir + "/c"}.bytes()))
	c, err := Find(Request{Command: []string{"./p"}, Env: nothing, Dir: dir, Bare: true})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Access{
		"/a/glibc-hwcaps/x86-64-v3/libx.so": Read | Map, "/b/glibc-hwcaps/x86-64-v2/libx.so": Read | Map,
		"/b/libx.so": Read | Map, "/c/libx.so": 0, "/wrong/libx.so": 0,
	} {
		if got := accessOf(c, dir+path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

// TestPreloadIsTheCallers takes LD_PRELOAD from the environment, and never from a
// #! line.
func TestPreloadIsTheCallers(t *testing.T) {
	dir := tempDir(t)
	write(t, dir+"/ld.so", string(model{}.bytes()))
	write(t, dir+"/p", string(model{interp: dir + "/ld.so"}.bytes()))
	library := write(t, dir+"/lib.so", string(model{}.bytes()))
	preload := "LD_PRELOAD=" + library
	for name, test := range map[string]struct {
		line string
		env  []string
		want Access
	}{
		"environment": {"-S", []string{preload}, Read | Map},
		"line":        {"-S " + preload, nil, 0},
		"cleared":     {"-S -i", []string{preload}, 0},
		"removed":     {"-S -u LD_PRELOAD", []string{preload}, 0},
	} {
		script := write(t, dir+"/"+name, "#!/usr/bin/env "+test.line+" "+dir+"/p\n")
		c, err := Find(Request{Command: []string{script}, Env: environ(test.env...), Dir: dir})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := accessOf(c, library); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestMusl has a search path file beside the loader's folder, and libraries that
// the loader is itself.
func TestMusl(t *testing.T) {
	dir := tempDir(t)
	loader := "/lib/ld-musl-" + native.name + ".so.1"
	library := string(model{}.bytes())
	write(t, dir+loader, library)
	write(t, dir+"/etc/ld-musl-"+native.name+".path", dir+"/none\n"+dir+"/opt:"+dir+"/late\n")
	write(t, dir+"/opt/libx.so", string(model{needed: []string{"liby.so"}}.bytes()))
	write(t, dir+"/opt/libc.musl.so", library)
	write(t, dir+"/late/libx.so", library)
	write(t, dir+"/run/liby.so", library)
	write(t, dir+"/p", string(model{interp: dir + loader, needed: []string{"libx.so", "libc.musl.so"}, runpath: dir + "/run"}.bytes()))
	c, err := Find(Request{Command: []string{"./p"}, Env: nothing, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Access{
		dir + loader: Read | Execute | Map, dir + "/opt/libx.so": Read | Map, dir + "/late/libx.so": 0,
		dir + "/run/liby.so": Read | Map, dir + "/opt/libc.musl.so": 0, "/etc/ld.so.cache": 0,
		dir + "/etc/ld-musl-" + native.name + ".path": Read,
	} {
		if got := accessOf(c, path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

// TestHostile gives the supervisor programs that are made to hurt it.
func TestHostile(t *testing.T) {
	dir := tempDir(t)
	write(t, dir+"/ld.so", string(model{}.bytes()))
	if err := unix.Mkfifo(dir+"/libfifo.so", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/libself.so", string(model{soname: "another", needed: []string{"libself.so", "libself2.so"}, runpath: "$ORIGIN"}.bytes()))
	write(t, dir+"/libself2.so", string(model{needed: []string{"libself.so"}, rpath: "$ORIGIN"}.bytes()))
	if err := os.Symlink(dir, dir+"/loop"); err != nil {
		t.Fatal(err)
	}
	many := make([]string, 3000)
	for i := range many {
		many[i] = "lib" + strings.Repeat("x", i) + ".so"
	}
	long := strings.Repeat(dir+":", 300)
	for name, m := range map[string]model{
		"devices":        {needed: []string{"null", "zero", "tty", "ptmx", "libfifo.so"}, runpath: "/dev:" + dir},
		"cycle":          {needed: []string{"libself.so"}, runpath: dir},
		"many":           {needed: many[:1000], runpath: long},
		"many with $LIB": {needed: many[:500], runpath: strings.Repeat("$LIB/$PLATFORM:", 500)},
		"itself":         {needed: []string{"itself"}, runpath: dir + "/loop/loop/loop"},
		"directory":      {needed: []string{"loop", dir, "..", "."}, runpath: dir},
	} {
		m.interp = dir + "/ld.so"
		path := write(t, dir+"/"+name, string(m.bytes()))
		start := time.Now()
		c, err := OfExecutable(path)
		if spent := time.Since(start); spent > 10*time.Second {
			t.Errorf("%s took %v", name, spent)
		}
		if (err != nil) != strings.HasPrefix(name, "many") {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		for _, f := range c.Files {
			if f.Access&Map != 0 && !strings.HasPrefix(f.Path, dir) {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}

func TestReplaceToken(t *testing.T) {
	for path, want := range map[string]string{
		"$ORIGIN":            "/o",
		"$ORIGIN/x":          "/o/x",
		"${ORIGIN}x":         "/ox",
		"$ORIGINAL":          "$ORIGINAL",
		"$ORIGINAL:$ORIGIN/": "$ORIGINAL:/o/",
		"/a$ORIGIN.$ORIGIN":  "/a/o./o",
		"/plain":             "/plain",
	} {
		if got := replaceToken(path, "ORIGIN", "/o"); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}
