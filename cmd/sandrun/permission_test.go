//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"sandrun/policy"
)

// An operation is one thing that a permission governs. In args and flags, DIR is
// a directory that the user owns, PORT a TCP port that listens.
type operation struct {
	name  string
	scope policy.Scope // its permission
	args  string       // what the probe is told
	flag  string       // the flag that grants it and nothing else
	base  string       // flags that the operation needs anyway
	errno string       // how it is refused by default
}

// operations holds the operations of every permission. For each of them three
// things must be true: it works without sandrun, it is refused by default, and it
// works with its own flag; and with every flag but its own it is still refused.
var operations = []operation{
	{"read a file", policy.FSRead, "read DIR/file", "--allow-fs-read=DIR/file", "", "EACCES"},
	{"read in a directory", policy.FSRead, "read DIR/file", "--allow-fs-read=DIR", "", "EACCES"},
	{"read by a prefix", policy.FSRead, "read DIR/file", "--allow-fs-read=DIR/fi*", "", "EACCES"},
	{"read by a glob", policy.FSRead, "read DIR/file", "--allow-fs-read=glob:DIR/*i?e", "", "EACCES"},
	{"list a directory", policy.FSRead, "list DIR", "--allow-fs-read=DIR/", "", "EACCES"},
	{"read and write", policy.FSRead, "rdwr DIR/file", "--allow-fs-read=DIR", "--allow-fs-write=DIR", "EACCES"},

	{"write a file", policy.FSWrite, "write DIR/file", "--allow-fs-write=DIR/file", "", "EACCES"},
	{"create a file", policy.FSWrite, "create DIR/new", "--allow-fs-write=DIR", "", "EACCES"},
	{"truncate", policy.FSWrite, "truncate DIR/file", "--allow-fs-write=DIR/file", "", "EACCES"},
	{"truncate by open", policy.FSWrite, "opentrunc DIR/file", "--allow-fs-write=DIR", "--allow-fs-read=DIR", "EACCES"},
	{"remove a file", policy.FSWrite, "unlink DIR/file", "--allow-fs-write=DIR", "", "EACCES"},
	{"make a directory", policy.FSWrite, "mkdir DIR/d", "--allow-fs-write=DIR", "", "EACCES"},
	{"remove a directory", policy.FSWrite, "rmdir DIR/empty", "--allow-fs-write=DIR", "", "EACCES"},
	{"rename", policy.FSWrite, "rename DIR/file DIR/other", "--allow-fs-write=DIR", "", "EACCES"},
	{"rename across directories", policy.FSWrite, "rename DIR/file DIR/empty/file", "--allow-fs-write=DIR", "", "EACCES"},
	{"link", policy.FSWrite, "link DIR/file DIR/other", "--allow-fs-write=DIR", "", "EACCES"},
	{"make a symbolic link", policy.FSWrite, "symlink x DIR/other", "--allow-fs-write=DIR", "", "EACCES"},
	{"make a FIFO", policy.FSWrite, "mkfifo DIR/other", "--allow-fs-write=DIR", "", "EACCES"},
	{"make a file without a name", policy.FSWrite, "tmpfile DIR", "--allow-fs-write=DIR", "--allow-fs-read=DIR", "EACCES"},
	{"creat", policy.FSWrite, "creat DIR/new 0644", "--allow-fs-write=DIR", "", "EACCES"},

	{"chmod", policy.FSWrite, "chmod DIR/file 0640", "--allow-fs-write=DIR", "", "EPERM"},
	{"fchmodat", policy.FSWrite, "fchmodat DIR/file 0640", "--allow-fs-write=DIR/file", "", "EPERM"},
	{"fchmodat2", policy.FSWrite, "fchmodat2 DIR/file 0640 0", "--allow-fs-write=DIR", "", "EPERM"},
	{"fchmod", policy.FSWrite, "fchmod DIR/file 0640", "--allow-fs-write=DIR", "--allow-fs-read=DIR", "EPERM"},
	{"chown", policy.FSWrite, "chown DIR/file -1 -1", "--allow-fs-write=DIR", "", "EPERM"},
	{"lchown", policy.FSWrite, "lchown DIR/link -1 -1", "--allow-fs-write=DIR", "", "EPERM"},
	{"fchown", policy.FSWrite, "fchown DIR/file -1 -1", "--allow-fs-write=DIR", "--allow-fs-read=DIR", "EPERM"},
	{"utime", policy.FSWrite, "utime DIR/file", "--allow-fs-write=DIR", "", "EPERM"},
	{"utimes", policy.FSWrite, "utimes DIR/file", "--allow-fs-write=DIR", "", "EPERM"},
	{"utimensat", policy.FSWrite, "utimensat DIR/file", "--allow-fs-write=DIR", "", "EPERM"},
	{"utimensat now", policy.FSWrite, "utimenow DIR/file", "--allow-fs-write=DIR", "", "EPERM"},
	{"futimens", policy.FSWrite, "futimens DIR/file", "--allow-fs-write=DIR", "--allow-fs-read=DIR", "EPERM"},
	{"setxattr", policy.FSWrite, "setxattr DIR/file user.x", "--allow-fs-write=DIR", "", "EPERM"},
	{"fsetxattr", policy.FSWrite, "fsetxattr DIR/file user.x", "--allow-fs-write=DIR", "--allow-fs-read=DIR", "EPERM"},
	{"removexattr", policy.FSWrite, "removexattr DIR/file user.have", "--allow-fs-write=DIR", "", "EPERM"},
	{"chattr", policy.FSWrite, "chattr DIR/file", "--allow-fs-write=DIR", "--allow-fs-read=DIR", "EPERM"},

	{"fork", policy.Child, "fork", "--allow-child-process", "", "EPERM"},
	{"vfork", policy.Child, "vfork", "--allow-child-process", "", "EPERM"},
	{"clone", policy.Child, "clone 0", "--allow-child-process", "", "EPERM"},
	{"execute", policy.Child, "exec /bin/true", "--allow-child-process", "", "EACCES"},
	{"execute a listed program", policy.Child, "exec /bin/true", "--allow-child-process=/bin/true", "", "EACCES"},
	{"execute a program that is listed by name", policy.Child, "spawn /usr/bin/true", "--allow-child-process=true", "", "EPERM"},
	{"execute by descriptor", policy.Child, "execveat /bin/true", "--allow-child-process", "", "EACCES"},

	{"thread", policy.Worker, "thread", "--allow-worker", "", "EPERM"},

	{"map code", policy.Addon, "mapexec DIR/file", "--allow-addons", "--allow-fs-read=DIR", "EACCES"},
	{"map listed code", policy.Addon, "mapexec DIR/file", "--allow-addons=DIR/file", "--allow-fs-read=DIR", "EACCES"},
	{"map code of a file without a name", policy.Addon, "mapmemfd DIR/file", "--allow-addons", "--allow-fs-read=DIR", "EACCES"},

	{"TCP socket", policy.Net, "socket 2 1 0", "--allow-net", "", "EPERM"},
	{"TCP socket of IPv6", policy.Net, "socket 10 1 6", "--allow-net", "", "EPERM"},
	{"UDP socket", policy.Net, "socket 2 2 17", "--allow-net", "", "EPERM"},
	{"route socket", policy.Net, "socket 16 3 0", "--allow-net", "", "EPERM"},
	{"connect", policy.Net, "connect PORT", "--allow-net", "", "EPERM"},
	{"listen", policy.Net, "listen", "--allow-net", "", "EPERM"},
	{"send", policy.Net, "udp PORT", "--allow-net", "", "EPERM"},

	{"be traced", policy.Inspector, "traceme", "--allow-inspector", "", "EPERM"},
	{"read own memory by call", policy.Inspector, "vmread 0", "--allow-inspector", "", "EPERM"},

	{"variable", policy.Env, "getenv SECRET", "--allow-env=SECRET", "", "ENOENT"},
	{"variable by prefix", policy.Env, "getenv SECRET", "--allow-env=SEC*", "", "ENOENT"},
	{"every variable", policy.Env, "getenv SECRET", "--allow-env", "", "ENOENT"},
}

// refused is any errno: with other flags another layer may be the one to refuse.
const refused = "a refusal"

// wholeFlag grants a permission as a whole.
func wholeFlag(c policy.Capability) string {
	if c.Value == policy.Patterns {
		return "--" + c.Flag + "=*"
	}
	return "--" + c.Flag
}

func TestPermissions(t *testing.T) {
	port := listening(t)
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			asEach(t, func(t *testing.T, u user, _ string) {
				var others []string
				for _, c := range policy.Capabilities {
					if c.Scope != op.scope {
						others = append(others, wholeFlag(c))
					}
				}
				base := strings.Fields(op.base)
				for _, try := range []struct {
					name  string
					flags []string
					want  string
				}{
					{"default", base, op.errno},
					{"own flag", append(base, op.flag), "ok"},
					{"every other flag", others, refused},
				} {
					dir := scene(t, u)
					fill := strings.NewReplacer("DIR", dir, "PORT", port)
					args := append([]string{probe}, strings.Fields(fill.Replace(op.args))...)
					flags := make([]string, len(try.flags))
					for i, f := range try.flags {
						flags[i] = fill.Replace(f)
					}
					c := command(u, dir, append(append([]string{sandrun}, flags...), append([]string{"--"}, args...)...)...)
					c.Env = append(c.Env, "SECRET=1")
					r := finish(t, c)
					if got := outcomeOf(r); got != try.want && (try.want != refused || got == "ok" || r.status != 1) {
						t.Errorf("%s %v: %s, want %s\n%s%s", try.name, flags, got, try.want, r.out, r.err)
					}
				}
				dir := scene(t, u)
				fill := strings.NewReplacer("DIR", dir, "PORT", port)
				c := command(u, dir, append([]string{probe}, strings.Fields(fill.Replace(op.args))...)...)
				c.Env = append(c.Env, "SECRET=1")
				if r := finish(t, c); outcomeOf(r) != "ok" {
					t.Errorf("without sandrun: %s%s: the operation does not work here", r.out, r.err)
				}
			})
		})
	}
}

// outcomeOf is the probe's verdict; a program that replaced the probe and ended
// well counts as ok.
func outcomeOf(r result) string {
	if r.status == 0 && r.out == "" {
		return "ok"
	}
	return r.verdict()
}

// scene makes a directory with the files that the operations use.
func scene(t *testing.T, u user) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandrun-scene-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	own(t, u, dir)
	write(t, u, dir+"/file", strings.Repeat("x", 8192), 0o644)
	if err := os.Mkdir(dir+"/empty", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	own(t, u, dir+"/empty", dir+"/link")
	if out := plain(t, u, dir, probe, "setxattr", dir+"/file", "user.have"); out.verdict() != "ok" {
		t.Fatalf("extended attributes do not work in %s: %s", dir, out.out)
	}
	return dir
}

// listening opens a TCP port on the loopback address that accepts connections.
func listening(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// TestEveryPermissionHasOperations keeps the table complete.
func TestEveryPermissionHasOperations(t *testing.T) {
	have := map[policy.Scope]bool{}
	for _, op := range operations {
		have[op.scope] = true
	}
	for _, c := range policy.Capabilities {
		if !have[c.Scope] {
			t.Errorf("no operation of %s is tried", c.Scope)
		}
	}
}
