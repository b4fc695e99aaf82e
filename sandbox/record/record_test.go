package record

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"path"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"sandrun/policy"
)

// read is a record of a denied open.
func read(resource string) Record {
	return Record{
		Time: time.Date(2026, 11, 21, 16, 14, 20, 123456000, time.FixedZone("", 3600)), Scope: policy.FSRead, Resource: resource,
		Call: "openat", Errno: syscall.EACCES, PID: 4711, TID: 4712, Exe: "/usr/bin/python3", Code: AccessDenied,
	}
}

// with changes a record.
func with(r Record, change func(*Record)) Record {
	change(&r)
	return r
}

// of is a record of another permission.
func of(scope policy.Scope, resource, call string) Record {
	return with(read(resource), func(r *Record) { r.Scope, r.Call = scope, call })
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		record Record
		want   string
	}{
		{
			read("/home/me/.ssh/id_ed25519"),
			"denied FileSystemRead /home/me/.ssh/id_ed25519 (python3[4711] openat): --allow-fs-read=/home/me/.ssh/id_ed25519",
		},
		{of(policy.FSWrite, "/tmp/out", "mkdirat"), "denied FileSystemWrite /tmp/out (python3[4711] mkdirat): --allow-fs-write=/tmp/out"},
		{of(policy.Child, "", "clone"), "denied ChildProcess (python3[4711] clone): --allow-child-process"},
		{of(policy.Child, "/bin/ls", "execve"), "denied ChildProcess /bin/ls (python3[4711] execve): --allow-child-process=/bin/ls"},
		{of(policy.Worker, "", "clone"), "denied WorkerThreads (python3[4711] clone): --allow-worker"},
		{of(policy.Addon, "/x/y.so", "mmap"), "denied Addon /x/y.so (python3[4711] mmap): --allow-addons=/x/y.so"},
		{of(policy.Addon, "", "mmap"), "denied Addon (python3[4711] mmap): --allow-addons"},
		{of(policy.Net, "", "socket"), "denied Net (python3[4711] socket): --allow-net"},
		{of(policy.Net, "192.0.2.1:443", "connect"), "denied Net 192.0.2.1:443 (python3[4711] connect): --allow-net"},
		{of(policy.Inspector, "", "ptrace"), "denied Inspector (python3[4711] ptrace): --allow-inspector"},
		{with(read("/x"), func(r *Record) { r.Verdict = Logged }), "logged FileSystemRead /x (python3[4711] openat): --allow-fs-read=/x"},
		{with(read("/x"), func(r *Record) { r.Verdict = Killed }), "killed FileSystemRead /x (python3[4711] openat): --allow-fs-read=/x"},
		{with(read("/x"), func(r *Record) { r.Exe = "" }), "denied FileSystemRead /x (?[4711] openat): --allow-fs-read=/x"},
		{with(read("/x"), func(r *Record) { r.Detail = "why" }), "denied FileSystemRead /x (python3[4711] openat): why: --allow-fs-read=/x"},
		{
			with(read("/x"), func(r *Record) { r.Code, r.Detail = BadIntegrity, "it is sha256-x" }),
			"denied FileSystemRead /x (python3[4711] openat): ERR_MANIFEST_ASSERT_INTEGRITY: it is sha256-x",
		},
		// No flag names a file that has no path.
		{read(""), "denied FileSystemRead (python3[4711] openat)"},
		{read("memfd:x"), "denied FileSystemRead memfd:x (python3[4711] openat)"},
		// What a shell would take apart, and what a terminal must not get.
		{read("/a b"), "denied FileSystemRead '/a b' (python3[4711] openat): '--allow-fs-read=/a b'"},
		{read("/a,b"), `denied FileSystemRead /a,b (python3[4711] openat): '--allow-fs-read=/a\,b'`},
		{read("/$(x)"), "denied FileSystemRead '/$(x)' (python3[4711] openat): '--allow-fs-read=/$(x)'"},
		{read("/it's"), `denied FileSystemRead $'/it\'s' (python3[4711] openat): $'--allow-fs-read=/it\'s'`},
		{read("/a\nsandrun: error: x"), `denied FileSystemRead $'/a\x0asandrun: error: x' (python3[4711] openat): $'--allow-fs-read=/a\x0asandrun: error: x'`},
		{read("/\x1b[2J"), `denied FileSystemRead $'/\x1b[2J' (python3[4711] openat): $'--allow-fs-read=/\x1b[2J'`},
		{read("/\xff\\"), `denied FileSystemRead $'/\xff\\' (python3[4711] openat): $'--allow-fs-read=/\xff\\'`},
		{read("/\u202e\u009b"), `denied FileSystemRead $'/\xe2\x80\xae\xc2\x9b' (python3[4711] openat): $'--allow-fs-read=/\xe2\x80\xae\xc2\x9b'`},
		{read("/Müller"), "denied FileSystemRead /Müller (python3[4711] openat): --allow-fs-read=/Müller"},
		{
			read("/x (cat[1] openat): --allow-fs-read=/"),
			"denied FileSystemRead '/x (cat[1] openat): --allow-fs-read=/' (python3[4711] openat): '--allow-fs-read=/x (cat[1] openat): --allow-fs-read=/'",
		},
		{with(read("/x"), func(r *Record) { r.Exe = "/t/a[1] x): y" }), "denied FileSystemRead /x ('a[1] x): y'[4711] openat): --allow-fs-read=/x"},
		// A star is no wider grant than the file that is called so.
		{read("/*"), `denied FileSystemRead '/*' (python3[4711] openat): '--allow-fs-read=glob:/\*'`},
		{read("/[*]{,"), `denied FileSystemRead '/[*]{,' (python3[4711] openat): '--allow-fs-read=glob:/\[\*\]\{\,'`},
		{read("/*\xff"), `denied FileSystemRead $'/*\xff' (python3[4711] openat)`},
		{of(policy.Child, "/bin/*", "execve"), "denied ChildProcess '/bin/*' (python3[4711] execve)"},
	} {
		if got := c.record.Text(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestJSON(t *testing.T) {
	const head = `{"v":1,"time":"2026-11-21T15:14:20.123456Z","verdict":"denied","permission":"FileSystemRead","scope":"fs.read",`
	const mid = `,"call":"openat","errno":"EACCES","pid":4711,"tid":4712,"exe":"/usr/bin/python3",`
	const tail = `,"code":"ERR_ACCESS_DENIED"}`
	for _, c := range []struct {
		record Record
		want   string
	}{
		{read("/x"), head + `"resource":"/x"` + mid + `"flag":"--allow-fs-read=/x"` + tail},
		{read("/a,\"\n"), head + `"resource":"/a,\"\u000a"` + mid + `"flag":"--allow-fs-read=/a\\,\"\u000a"` + tail},
		{read("/\u202e\U000e0001<é"), head + `"resource":"/\u202e\udb40\udc01<é"` + mid + `"flag":"--allow-fs-read=/\u202e\udb40\udc01<é"` + tail},
		{
			read("/\xff"),
			head + `"resource":"/` + "\ufffd" + `","resource_base64":"L/8="` + mid + `"flag":"--allow-fs-read=/` + "\ufffd" +
				`","flag_base64":"LS1hbGxvdy1mcy1yZWFkPS//"` + tail,
		},
		{
			with(of(policy.Worker, "", "clone"), func(r *Record) { r.Verdict, r.Errno = Logged, 0 }),
			strings.NewReplacer("denied", "logged", "FileSystemRead", "WorkerThreads", "fs.read", "worker").Replace(head) + `"resource":""` +
				strings.NewReplacer("openat", "clone", "EACCES", "").Replace(mid) + `"flag":"--allow-worker"` + tail,
		},
		{
			with(read("/x"), func(r *Record) { r.Code, r.Detail, r.Errno = BadIntegrity, "it is x", 4095 }),
			head + `"resource":"/x"` + strings.Replace(mid, "EACCES", "4095", 1) + `"flag":"","code":"ERR_MANIFEST_ASSERT_INTEGRITY","detail":"it is x"}`,
		},
	} {
		if got := string(c.record.JSON()); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestQuoteInShell asks a shell what it makes of quoted words.
func TestQuoteInShell(t *testing.T) {
	words := []string{
		"/plain", "/a b", "/it's", "/$(touch x)", "/`x`", "/a\nb", "/\x1b[0m", "/\xff\xfe", `/a\,b`, "/~", "/#x", "/!x", "/é",
		"/\u202e", "/a;b|c&d<e>f", "/{a,b}", "/[x]*?", `/"q"`, "/\x01f", "/\ufffd", "/%s", "/'\\", "-n", "=x", "~", "~root", "*",
	}
	for _, w := range words {
		out, err := exec.Command("bash", "-c", "cd /tmp && printf %s "+Quote(w)).CombinedOutput()
		if err != nil || string(out) != w {
			t.Errorf("%q is quoted as %s, and a shell reads %q (%v)", w, Quote(w), out, err)
		}
	}
}

// TestFlagGrants: every capability's flag is read back as what was denied.
func TestFlagGrants(t *testing.T) {
	for _, c := range policy.Capabilities {
		for _, resource := range []string{"", "/a", "/a,b", `/a\`, `/a\,b`, "/a b", "/*", `/[*]\,{`, "/$HOME", "/~"} {
			if c.Value == policy.OptionalNames {
				resource = strings.TrimLeft(resource, "/")
			}
			checkFlag(t, of(c.Scope, resource, "x"))
		}
	}
}

// checkFlag holds a record's flag against the parser of flags.
func checkFlag(t *testing.T, r Record) {
	t.Helper()
	flag := r.Flag()
	if flag == "" {
		return
	}
	name, value, valued := strings.Cut(flag, "=")
	c, _ := policy.Lookup(r.Scope)
	grants, _, err := policy.ParseFlag(c, value, !valued, "/base")
	if err != nil || name != "--"+c.Flag || len(grants) != 1 {
		t.Fatalf("%q: the flag %q gives %v (%v)", r.Resource, flag, grants, err)
	}
	g := grants[0]
	if !valued {
		return // the whole scope
	}
	want := path.Clean(r.Resource)
	switch {
	case g.All:
		t.Errorf("%q: the flag %q grants everything", r.Resource, flag)
	case g.Pattern.Kind == policy.Path && g.Pattern.Path != want,
		g.Pattern.Kind == policy.Glob && g.Pattern.Path != policy.EscapeGlob(want),
		g.Program != "" && g.Program != want, g.Name != "" && g.Name != r.Resource,
		g.Pattern.Kind == policy.Prefix, g.Pattern.Kind == policy.Set, g.Prefix:
		t.Errorf("%q: the flag %q grants %s%s%s", r.Resource, flag, g.Pattern, g.Program, g.Name)
	}
}

// FuzzRecord: whatever a target puts into a record, its text is one printable
// line, its JSON is valid and holds the exact bytes, and its flag grants that and
// nothing else.
func FuzzRecord(f *testing.F) {
	f.Add("/a", "/bin/x", "", uint8(0))
	f.Add("/a\n\xff,\"*", "/\u202e", "x\x00", uint8(1))
	f.Add("/bin/*,", "\\", "\\", uint8(2))
	f.Add(`/a\`, "/'", "'", uint8(4))
	f.Fuzz(func(t *testing.T, resource, exe, detail string, scope uint8) {
		r := read(resource)
		r.Exe, r.Detail = exe, detail
		r.Scope = policy.Capabilities[int(scope)%len(policy.Capabilities)].Scope
		checkFlag(t, r)
		for _, c := range r.Text() {
			if !unicode.IsPrint(c) {
				t.Fatalf("%q in %q", c, r.Text())
			}
		}
		line := r.JSON()
		if !utf8.Valid(line) || bytes.ContainsFunc(line, unicode.IsControl) {
			t.Fatalf("not one line of text: %q", line)
		}
		var got map[string]any
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		for key, want := range map[string]string{"resource": resource, "exe": exe, "detail": detail, "flag": r.Flag()} {
			if s := exactly(t, got, key); s != want {
				t.Errorf("%s: %q, want %q", key, s, want)
			}
		}
	})
}

// exactly reads a value as a program should that wants the exact bytes.
func exactly(t *testing.T, object map[string]any, key string) string {
	t.Helper()
	if encoded, ok := object[key+"_base64"].(string); ok {
		b, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	s, _ := object[key].(string)
	return s
}
