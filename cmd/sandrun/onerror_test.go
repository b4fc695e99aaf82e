//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sandrun/policy"
)

// A denial is one operation that a permission governs, and how its record
// describes it. In args, base and resource, DIR is the scene and PORT a TCP port
// that listens.
type denial struct {
	name     string
	scope    policy.Scope
	args     string // what the probe is told
	base     string // flags that the operation needs beside its own
	call     string // the system call; several that C libraries choose from are separated by |
	resource string
	errno    string // under throw
}

// raw is a call by its number. Arguments that begin with / or = are texts.
func raw(nr int, args ...string) string {
	return "syscall " + strconv.Itoa(nr) + " " + strings.Join(args, " ")
}

const (
	here    = "-100" // AT_FDCWD
	readDir = "--allow-fs-read=DIR"
)

// denials holds every permission in every spelling that all architectures have.
var denials = []denial{
	{"read", policy.FSRead, "read DIR/file", "", "openat", "DIR/file", "EACCES"},
	{"read by a link", policy.FSRead, "read DIR/link", "", "openat", "DIR/file", "EACCES"},
	{"read by a detour", policy.FSRead, "read DIR/empty/../file", "", "openat", "DIR/file", "EACCES"},
	{"read by a relative path", policy.FSRead, "read file", "", "openat", "DIR/file", "EACCES"},
	{"read by openat2", policy.FSRead, "openat2read DIR/file", "", "openat2", "DIR/file", "EACCES"},
	{"list", policy.FSRead, "list DIR", "", "openat", "DIR", "EACCES"},
	{"read what may only be written", policy.FSRead, "rdwr DIR/file", "--allow-fs-write=DIR", "openat", "DIR/file", "EACCES"},
	{"execute what cannot be read", policy.FSRead, "exec DIR/program", "--allow-child-process", "execve", "DIR/program", "EACCES"},

	{"write", policy.FSWrite, "write DIR/file", "", "openat", "DIR/file", "EACCES"},
	{"create", policy.FSWrite, "create DIR/new", "", "openat", "DIR/new", "EACCES"},
	{"create by a link that dangles", policy.FSWrite, "create DIR/dangling", "", "openat", "DIR/new", "EACCES"},
	{"create by openat2", policy.FSWrite, "openat2 DIR/new 0644", "", "openat2", "DIR/new", "EACCES"},
	{"create and empty", policy.FSWrite, "openwritetrunc DIR/file", "", "openat", "DIR/file", "EACCES"},
	{"empty by an open for reading", policy.FSWrite, "opentrunc DIR/file", readDir, "openat", "DIR/file", "EACCES"},
	{"empty by openat2", policy.FSWrite, "openat2trunc DIR/file", readDir, "openat2", "DIR/file", "EACCES"},
	{"truncate", policy.FSWrite, "truncate DIR/file", "", "truncate", "DIR/file", "EACCES"},
	{"a file without a name", policy.FSWrite, "tmpfile DIR", readDir, "openat", "DIR", "EACCES"},
	{"mkdirat", policy.FSWrite, raw(unix.SYS_MKDIRAT, here, "DIR/new", "0755"), "", "mkdirat", "DIR/new", "EACCES"},
	{"unlinkat", policy.FSWrite, raw(unix.SYS_UNLINKAT, here, "DIR/file", "0"), "", "unlinkat", "DIR/file", "EACCES"},
	{"unlinkat a link", policy.FSWrite, raw(unix.SYS_UNLINKAT, here, "DIR/link", "0"), "", "unlinkat", "DIR/link", "EACCES"},
	{"unlinkat a directory", policy.FSWrite, raw(unix.SYS_UNLINKAT, here, "DIR/empty", "0x200"), "", "unlinkat", "DIR/empty", "EACCES"},
	{"symlinkat", policy.FSWrite, raw(unix.SYS_SYMLINKAT, "=x", here, "DIR/other"), "", "symlinkat", "DIR/other", "EACCES"},
	{"mknodat", policy.FSWrite, raw(unix.SYS_MKNODAT, here, "DIR/other", "010644", "0"), "", "mknodat", "DIR/other", "EACCES"},
	{"renameat2", policy.FSWrite, raw(unix.SYS_RENAMEAT2, here, "DIR/file", here, "DIR/other", "0"), "", "renameat2", "DIR/file", "EACCES"},
	{"renameat", policy.FSWrite, raw(unix.SYS_RENAMEAT, here, "DIR/file", here, "DIR/empty/other"), "", "renameat", "DIR/file", "EACCES"},
	{"linkat", policy.FSWrite, raw(unix.SYS_LINKAT, here, "DIR/file", here, "DIR/other", "0"), "", "linkat", "DIR/file", "EACCES"},

	{"fchmodat", policy.FSWrite, raw(unix.SYS_FCHMODAT, here, "DIR/file", "0640"), "", "fchmodat", "DIR/file", "EPERM"},
	{"fchmodat2", policy.FSWrite, raw(unix.SYS_FCHMODAT2, here, "DIR/file", "0640", "0"), "", "fchmodat2", "DIR/file", "EPERM"},
	{"fchmod", policy.FSWrite, "fchmod DIR/file 0640", readDir, "fchmod", "DIR/file", "EPERM"},
	{"fchownat", policy.FSWrite, raw(unix.SYS_FCHOWNAT, here, "DIR/file", "-1", "-1", "0"), "", "fchownat", "DIR/file", "EPERM"},
	{"fchown", policy.FSWrite, "fchown DIR/file -1 -1", readDir, "fchown", "DIR/file", "EPERM"},
	{"utimensat", policy.FSWrite, "utimensat DIR/file", "", "utimensat", "DIR/file", "EPERM"},
	{"utimensat now", policy.FSWrite, "utimenow DIR/file", "", "utimensat", "DIR/file", "EPERM"},
	{"futimens", policy.FSWrite, "futimens DIR/file", readDir, "utimensat", "DIR/file", "EPERM"},
	{"setxattr", policy.FSWrite, "setxattr DIR/file user.x", "", "setxattr", "DIR/file", "EPERM"},
	{"fsetxattr", policy.FSWrite, "fsetxattr DIR/file user.x", readDir, "fsetxattr", "DIR/file", "EPERM"},
	{"setxattrat", policy.FSWrite, raw(unix.SYS_SETXATTRAT, here, "DIR/file", "0", "=user.x", "@zero", "16"), "", "setxattrat", "DIR/file", "EPERM"},
	{"removexattr", policy.FSWrite, "removexattr DIR/file user.have", "", "removexattr", "DIR/file", "EPERM"},
	{"removexattrat", policy.FSWrite, raw(unix.SYS_REMOVEXATTRAT, here, "DIR/file", "0", "=user.have"), "", "removexattrat", "DIR/file", "EPERM"},
	{"chattr", policy.FSWrite, "chattr DIR/file", readDir, "ioctl", "DIR/file", "EPERM"},

	{"fork", policy.Child, "fork", "", "clone|fork", "", "EPERM"},
	{"clone", policy.Child, "clone 0", "", "clone", "", "EPERM"},
	{"execve", policy.Child, "exec /usr/bin/true", "", "execve", "/usr/bin/true", "EACCES"},
	{"execve by a link", policy.Child, "exec DIR/true", "", "execve", "/usr/bin/true", "EACCES"},
	{"execveat", policy.Child, "execveat /usr/bin/true", "", "execveat", "/usr/bin/true", "EACCES"},
	{"execve beside a list", policy.Child, "exec /usr/bin/true", "--allow-child-process=/usr/bin/env", "execve", "/usr/bin/true", "EACCES"},
	{"a file without a name beside a list", policy.Child, "memfd 0", "--allow-child-process=/usr/bin/env", "memfd_create", "", "ENOSYS"},

	{"thread", policy.Worker, "thread", "", "clone", "", "EPERM"},
	{"a child that shares descriptors", policy.Worker, "clone 0x400", "--allow-child-process", "clone", "", "EPERM"},

	{"map code", policy.Addon, "mapexec DIR/file", readDir, "mmap", "DIR/file", "EACCES"},
	{"map code beside a list", policy.Addon, "mapexec DIR/file", readDir + " --allow-addons=DIR/empty", "mmap", "DIR/file", "EACCES"},

	{"TCP", policy.Net, "socket 2 1 0", "", "socket", "", "EPERM"},
	{"UDP", policy.Net, "udp PORT", "", "socket", "", "EPERM"},
	{"connect", policy.Net, "connect PORT", "", "socket", "", "EPERM"},
	{"listen", policy.Net, "listen", "", "socket", "", "EPERM"},
	{"route", policy.Net, "socket 16 3 0", "", "socket", "", "EPERM"},

	{"be traced", policy.Inspector, "traceme", "", "ptrace", "", "EPERM"},
	{"read memory by a call", policy.Inspector, "vmread 0", "", "process_vm_readv", "", "EPERM"},
	{"compare", policy.Inspector, raw(unix.SYS_KCMP, "@pid", "@pid", "0", "0", "0"), "", "kcmp", "", "EPERM"},
}

// A line is a record as a log file has it.
type logged struct {
	Verdict, Permission, Scope, Resource, Call, Errno, Exe, Flag, Code string
	PID, TID                                                           int
}

// recordsIn reads a log file of JSON Lines.
func recordsIn(t *testing.T, file string) (list []logged) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var r logged
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, r)
	}
	return list
}

// A stage is a fresh scene in which one denial is tried, and a directory beside
// it for the log.
type stage struct {
	denial
	t        *testing.T
	u        user
	dir, log string
	fill     *strings.Replacer
}

func newStage(t *testing.T, u user, d denial, port string) *stage {
	t.Helper()
	s := &stage{denial: d, t: t, u: u, dir: scene(t, u)}
	must(t, os.Symlink("new", s.dir+"/dangling"))
	must(t, os.Symlink("/usr/bin/true", s.dir+"/true"))
	program, err := os.ReadFile("/usr/bin/true")
	must(t, err)
	write(t, u, s.dir+"/program", string(program), 0o755)
	old := syscall.Timeval{Sec: 1_000_000_000}
	must(t, syscall.Utimes(s.dir+"/file", []syscall.Timeval{old, old}))
	s.log = beside(t, u) + "/log"
	s.fill = strings.NewReplacer("DIR", s.dir, "PORT", port)
	return s
}

// beside makes a directory that the user owns.
func beside(t *testing.T, u user) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandrun-beside-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	own(t, u, dir)
	return dir
}

// run tries it under sandrun.
func (s *stage) run(flags []string, before, after string) result {
	s.t.Helper()
	all := slices.Concat(strings.Fields(s.fill.Replace(s.base)), flags, []string{"--log-format=json", "--log-file=" + s.log})
	return sandboxed(s.t, s.u, s.dir, all, append([]string{probe}, strings.Fields(before+s.fill.Replace(s.args)+after)...)...)
}

// trace is what an operation leaves behind in the scene.
func (s *stage) trace() string {
	s.t.Helper()
	out := treeOf(s.t, s.dir)
	var st unix.Stat_t
	if unix.Stat(s.dir+"/file", &st) == nil {
		if st.Mtim.Sec > 1_700_000_000 {
			st.Mtim.Sec = -1 // now
		}
		var names [256]byte
		n, _ := unix.Listxattr(s.dir+"/file", names[:])
		fd, err := unix.Open(s.dir+"/file", unix.O_RDONLY, 0)
		must(s.t, err)
		flags, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
		must(s.t, err)
		unix.Close(fd)
		out += fmt.Sprintf("time %d attributes %q flags %#x\n", st.Mtim.Sec, names[:max(n, 0)], flags)
	}
	return out
}

// records checks what all records of a run have in common, and the first one.
func (s *stage) records(verdict, errno string) []logged {
	s.t.Helper()
	list := recordsIn(s.t, s.log)
	if len(list) == 0 {
		s.t.Errorf("%s: there is no record", verdict)
		return nil
	}
	c, _ := policy.Lookup(s.scope)
	want := logged{
		Verdict: verdict, Permission: c.Node, Scope: string(s.scope), Resource: s.fill.Replace(s.resource),
		Errno: errno, Exe: probe, Code: "ERR_ACCESS_DENIED",
	}
	got := list[0]
	calls := strings.Split(s.call, "|")
	if !slices.Contains(calls, got.Call) {
		s.t.Errorf("%s: the call is %s, not %s", verdict, got.Call, s.call)
	}
	if got.PID <= 1 || got.TID <= 1 {
		s.t.Errorf("%s: pid %d, tid %d", verdict, got.PID, got.TID)
	}
	got.Call, got.PID, got.TID, got.Flag = "", 0, 0, ""
	if got != want {
		s.t.Errorf("%s: the record is\n%+v, not\n%+v", verdict, got, want)
	}
	for _, r := range list {
		if r.Verdict != verdict || r.Code != want.Code {
			s.t.Errorf("a record of another kind: %+v", r)
		}
	}
	return list
}

// TestOnError: for each operation, throw fails it, says so, and names flags with
// which it works; log lets it go ahead and says so; exit ends the program before
// anything is done.
func TestOnError(t *testing.T) {
	port := listening(t)
	for _, d := range slices.Concat(denials, oldDenials) {
		t.Run(d.name, func(t *testing.T) {
			asEach(t, func(t *testing.T, u user, _ string) {
				start := func(t *testing.T) *stage { return newStage(t, u, d, port) }
				t.Run("throw", func(t *testing.T) { throws(t, start(t)) })
				t.Run("flags", func(t *testing.T) { isGranted(t, start(t)) })
				t.Run("log", func(t *testing.T) { goesAhead(t, start(t), start(t)) })
				t.Run("exit", func(t *testing.T) { isKilled(t, start(t)) })
			})
		})
	}
}

func throws(t *testing.T, s *stage) {
	before := s.trace()
	if r := s.run([]string{"--explain"}, "", ""); r.verdict() != s.errno || r.status != 1 {
		t.Errorf("status %d: %s%s, want %s", r.status, r.out, r.err, s.errno)
	}
	if after := s.trace(); after != before {
		t.Errorf("it was refused, and something changed:\n%s", difference(before, after))
	}
	s.records("denied", s.errno)
}

// isGranted adds the flags of records until it works. A rename needs two.
func isGranted(t *testing.T, s *stage) {
	var flags []string
	for range 4 {
		must(t, os.RemoveAll(s.log))
		r := s.run(append([]string{"--explain"}, flags...), "", "")
		if outcomeOf(r) == "ok" {
			if len(flags) == 0 {
				t.Error("it was never denied")
			}
			return
		}
		for _, r := range recordsIn(t, s.log) {
			flags = append(flags, r.Flag)
		}
	}
	t.Errorf("it does not work with %q", flags)
}

func goesAhead(t *testing.T, s, outside *stage) {
	plainly := plain(t, s.u, outside.dir, append([]string{probe}, strings.Fields(outside.fill.Replace(s.args))...)...)
	r := s.run([]string{"--onerror=log"}, "", "")
	if outcomeOf(plainly) != "ok" || r.out != plainly.out || r.status != 0 {
		t.Errorf("status %d: %s%s, without sandrun %s%s", r.status, r.out, r.err, plainly.out, plainly.err)
	}
	if got, want := s.trace(), outside.trace(); got != want {
		t.Errorf("what it leaves behind differs from without sandrun:\n%s", difference(want, got))
	}
	if !unnoticed[s.name] {
		s.records("logged", "")
	}
}

// unnoticed are the operations that make a process which does nothing that sandrun
// looks at. Under log the calls that make it are not trapped, because a signal could
// end them with EINTR then; who calls the C library is noticed all the same.
var unnoticed = map[string]bool{"clone": true, "vfork": true, "old fork": true, "a child that shares descriptors": true}

// TestLogNotices: a process or thread that does anything is told of.
func TestLogNotices(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		for how, want := range map[string]policy.Scope{"inchild": policy.Child, "inthread": policy.Worker} {
			for base, noticed := range map[string]bool{"": true, readDir: true, "--allow-child-process --allow-worker": false} {
				s := newStage(t, u, denial{args: how + " read DIR/file", base: base}, "")
				r := s.run([]string{"--onerror=log"}, "", "")
				found := slices.ContainsFunc(recordsIn(t, s.log), func(r logged) bool {
					return r.Scope == string(want) && r.Verdict == "logged" && r.Call == "clone" && r.Errno == "" && r.Resource == ""
				})
				if r.status != 0 || found != noticed {
					t.Errorf("%s %s: noticed %v: %s%s%+v", how, base, found, r.out, r.err, recordsIn(t, s.log))
				}
			}
		}
	})
}

func isKilled(t *testing.T, s *stage) {
	free := beside(t, s.u)
	before := s.trace()
	r := s.run([]string{"--onerror=exit", "--allow-fs-write=" + free}, "cleanup "+free+"/cleanup , create "+free+"/before , ", " , create "+free+"/after")
	if r.status != 77 || r.out != "ok\nok\n" {
		t.Errorf("status %d: %s%s", r.status, r.out, r.err)
	}
	if after := s.trace(); after != before {
		t.Errorf("it was to be killed, and something changed:\n%s", difference(before, after))
	}
	for name, want := range map[string]bool{"before": true, "cleanup": false, "after": false} {
		if _, err := os.Lstat(free + "/" + name); (err == nil) != want {
			t.Errorf("the file of %s: %v", name, err)
		}
	}
	list := s.records("killed", s.errno)
	for _, r := range list { // a rename has two names
		if r.Call != list[0].Call || r.TID != list[0].TID {
			t.Errorf("records of more than one call: %+v", list)
		}
	}
}

// TestSpellingsOfADenial: what a path seems to say is not where it leads. The kernel
// would refuse all of these by itself, and nobody would be told.
func TestSpellingsOfADenial(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		write(t, u, dir+"/in/file", "x", 0o644)
		write(t, u, dir+"/out/file", "x", 0o644)
		must(t, os.Symlink("../out/file", dir+"/in/link"))
		must(t, os.Symlink("../out", dir+"/in/way"))
		flags := []string{"--onerror=exit", "--allow-fs-read=" + dir + "/in"}
		for path, status := range map[string]int{
			"/in/file": 0, "/in/./file": 0, "/out/../in/file": 0,
			"/in/link": 77, "/in/way/file": 77, "/in/../out/file": 77, "//in/.././out/file": 77, "/out/file": 77,
		} {
			r := sandboxed(t, u, dir, flags, probe, "read", dir+path)
			if r.status != status || status != 0 && !strings.Contains(r.err, "killed FileSystemRead "+dir+"/out/file") {
				t.Errorf("%s: status %d: %s%s", path, r.status, r.out, r.err)
			}
		}
		for path, status := range map[string]int{"/in": 0, "/in/.": 0, "/in/..": 77, "/in/./..": 77, "/in/way": 77} {
			if r := sandboxed(t, u, dir, flags, probe, "list", dir+path); r.status != status {
				t.Errorf("list %s: status %d: %s%s", path, r.status, r.out, r.err)
			}
		}
	})
}
