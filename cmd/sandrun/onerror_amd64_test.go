//go:build linux

package main

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sandrun/policy"
)

// oldDenials are the spellings that only old architectures have.
var oldDenials = []denial{
	{"read by open", policy.FSRead, raw(unix.SYS_OPEN, "DIR/file", "0"), "", "open", "DIR/file", "EACCES"},
	{"create by open", policy.FSWrite, raw(unix.SYS_OPEN, "DIR/new", "0101", "0644"), "", "open", "DIR/new", "EACCES"},
	{"creat", policy.FSWrite, raw(unix.SYS_CREAT, "DIR/new", "0644"), "", "creat", "DIR/new", "EACCES"},
	{"mkdir", policy.FSWrite, raw(unix.SYS_MKDIR, "DIR/new", "0755"), "", "mkdir", "DIR/new", "EACCES"},
	{"rmdir", policy.FSWrite, raw(unix.SYS_RMDIR, "DIR/empty"), "", "rmdir", "DIR/empty", "EACCES"},
	{"unlink", policy.FSWrite, raw(unix.SYS_UNLINK, "DIR/file"), "", "unlink", "DIR/file", "EACCES"},
	{"symlink", policy.FSWrite, raw(unix.SYS_SYMLINK, "=x", "DIR/other"), "", "symlink", "DIR/other", "EACCES"},
	{"mknod", policy.FSWrite, raw(unix.SYS_MKNOD, "DIR/other", "010644", "0"), "", "mknod", "DIR/other", "EACCES"},
	{"rename", policy.FSWrite, raw(unix.SYS_RENAME, "DIR/file", "DIR/other"), "", "rename", "DIR/file", "EACCES"},
	{"link", policy.FSWrite, raw(unix.SYS_LINK, "DIR/file", "DIR/other"), "", "link", "DIR/file", "EACCES"},
	{"chmod", policy.FSWrite, raw(unix.SYS_CHMOD, "DIR/file", "0640"), "", "chmod", "DIR/file", "EPERM"},
	{"chmod by a link", policy.FSWrite, raw(unix.SYS_CHMOD, "DIR/link", "0640"), "", "chmod", "DIR/file", "EPERM"},
	{"chown", policy.FSWrite, raw(unix.SYS_CHOWN, "DIR/file", "-1", "-1"), "", "chown", "DIR/file", "EPERM"},
	{"lchown", policy.FSWrite, raw(unix.SYS_LCHOWN, "DIR/link", "-1", "-1"), "", "lchown", "DIR/link", "EPERM"},
	{"utime", policy.FSWrite, raw(unix.SYS_UTIME, "DIR/file", "@zero"), "", "utime", "DIR/file", "EPERM"},
	{"utimes", policy.FSWrite, raw(unix.SYS_UTIMES, "DIR/file", "@zero"), "", "utimes", "DIR/file", "EPERM"},
	{"futimesat", policy.FSWrite, raw(unix.SYS_FUTIMESAT, here, "DIR/file", "@zero"), "", "futimesat", "DIR/file", "EPERM"},
	{"old fork", policy.Child, "oldfork", "", "fork", "", "EPERM"},
	{"vfork", policy.Child, "vfork", "", "vfork", "", "EPERM"},
}

// TestAlwaysClosedOnError: what no permission opens stays closed whatever is done
// about denials, and is none.
func TestAlwaysClosedOnError(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		for _, onerror := range []string{"--explain", "--onerror=log", "--onerror=exit"} {
			for _, try := range append(alwaysClosed, "int80 20") {
				log := dir + "/log"
				flags := append(everything(dir), onerror, "--log-format=json", "--log-file="+log)
				r := sandboxed(t, u, dir, flags, append([]string{probe}, strings.Fields(try)...)...)
				if dead := strings.HasPrefix(try, "int80") && r.status == 128+int(unix.SIGSYS); !dead && (r.verdict() == "ok" || r.status != 1) {
					t.Errorf("%s: %s: status %d: %s%s", onerror, try, r.status, r.out, r.err)
				}
				if list := recordsIn(t, log); len(list) > 0 {
					t.Errorf("%s: %s: %+v", onerror, try, list)
				}
				must(t, os.RemoveAll(log))
			}
		}
	})
}
