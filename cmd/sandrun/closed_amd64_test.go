//go:build linux

package main

import (
	"strings"
	"testing"
)

// alwaysClosed is what no permission opens.
var alwaysClosed = []string{
	"unshare 0x10000000", "unshare 0x40000000", "clone 0x10000000", "clone 0x8000", "clone 0x100", "clone3",
	"syscall 425 1 0", "syscall 161 0", "syscall 165 0 0 0 0 0", "syscall 155 0 0", "syscall 321 0 0 0", "syscall 323 0",
	"syscall 250 0 0", "syscall 248 0 0 0 0 0", "syscall 29 0 4096 0x180", "syscall 64 0 1 0x180", "syscall 68 0 0x180",
	"syscall 304 0 0 0", "syscall 308 0 0", "syscall 308 0 0x40000000", "syscall 246 0 0 0 0", "syscall 169 0 0 0 0",
	"syscall 135 0x0400000", "syscall 216 0 0 0 0 0", "syscall 9999", "syscall 0x40000001 1 0 0",
	"ioctl 0 0x5412", "ioctl 0 0xffffffff00005412", "ioctl 0 0x541c", "prctl 35 1", "socket 17 3 0", "socket 40 1 0", "socket 2 1 262",
	"socket 2 3 1", "socket 38 5 0", "socket 16 3 15",
	"syscall 317 1 8 0",
}

// TestAlwaysClosed tries it.
func TestAlwaysClosed(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		for _, try := range append(alwaysClosed[:len(alwaysClosed):len(alwaysClosed)], "socket 1 1 0", "socketpair 1 2 0") {
			args := append([]string{probe}, strings.Fields(try)...)
			r := sandboxed(t, u, dir, everything(dir), args...)
			if r.verdict() == "ok" || r.status != 1 {
				t.Errorf("%s: status %d: %s%s", try, r.status, r.out, r.err)
			}
		}
		// A foreign architecture is killed at its first call.
		if r := sandboxed(t, u, dir, everything(dir), probe, "int80", "20"); r.status != 128+31 {
			t.Errorf("int80: status %d: %s%s", r.status, r.out, r.err)
		}
	})
}

// TestMetadataErrors compares what odd calls answer with and without sandrun.
func TestMetadataErrors(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		for _, try := range []string{
			"syscall 452 -100 0 0600 0",       // fchmodat2, null path
			"syscall 452 -100 8 0600 0x200",   // a flag that it does not know
			"syscall 268 -100 1 0600",         // fchmodat, unmapped path
			"syscall 91 99 0600",              // fchmod, no such descriptor
			"syscall 260 99 8 -1 -1 0x800",    // fchownat, a flag that it does not know
			"syscall 93 -1 -1 -1",             // fchown
			"syscall 280 -100 0 0 0",          // utimensat, null path and no descriptor
			"syscall 280 99 0 0 0",            // no such descriptor
			"syscall 280 0 0 0 0x100",         // flags with a null path
			"syscall 261 -100 0 0",            // futimesat
			"syscall 132 1 0",                 // utime, unmapped path
			"syscall 188 1 1 1 1 0",           // setxattr, unmapped path
			"syscall 197 1 1",                 // removexattr, unmapped path
			"fchmodpath " + dir + " 0700",     // O_PATH
			"chmod " + dir + "/none 0600",     // missing
			"chmod " + dir + "/file/x 0600",   // not a directory
			"utimes " + dir + "/none",         // missing
			"setxattr " + dir + "/file x",     // a name without a class
			"setxattr " + dir + "/file user.", // an empty name
		} {
			write(t, u, dir+"/file", "x", 0o644)
			args := append([]string{probe}, strings.Fields(try)...)
			want := plain(t, u, dir, args...)
			got := sandboxed(t, u, dir, []string{"--allow-fs-write=" + dir, "--allow-fs-read=" + dir}, args...)
			if got.verdict() != want.verdict() {
				t.Errorf("%s: %s%s, without sandrun %s", try, got.verdict(), got.err, want.verdict())
			}
		}
	})
}
