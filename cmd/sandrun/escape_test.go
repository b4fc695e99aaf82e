//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"sandrun/policy"
)

// everything grants every permission, with a partial write grant so that there
// is a supervisor.
func everything(dir string) []string {
	flags := []string{"--allow-fs-write=" + dir}
	for _, c := range policy.Capabilities {
		if c.Scope != policy.FSWrite {
			flags = append(flags, wholeFlag(c))
		}
	}
	return flags
}

// TestSupervisorIsOutOfReach tries, with every permission granted, whatever would
// give a target power over its supervisor. PPID of the shell is the supervisor.
func TestSupervisorIsOutOfReach(t *testing.T) {
	script := `
for tid in $(ls /proc/$PPID/task); do
	for try in "tgkill $PPID $tid 0" "tgkill $PPID $tid 19" "tkill $tid 9" "ptrace $tid" \
		"write /proc/$PPID/task/$tid/mem" "read /proc/$PPID/task/$tid/mem" "read /proc/$PPID/task/$tid/environ" \
		"read /proc/$PPID/task/$tid/fd/0" "read /proc/$PPID/task/$tid/maps"; do
		printf '%s: ' "$(echo $try | sed "s/$tid/TID/g; s/$PPID/SUP/g")"
		probe $try
	done
done
for fd in 3 4 5 6 7 8 9 10 11 12; do printf 'pidfdgetfd: '; probe pidfdgetfd $PPID $fd; done
for try in "kill $PPID 0" "kill $PPID 9" "pidfdsignal $PPID 9" "prlimit $PPID" "setpriority $PPID" "vmread $PPID" "ptrace $PPID"; do
	printf '%s: ' "$(echo $try | sed "s/$PPID/SUP/g")"
	probe $try
done
echo done`
	asEach(t, func(t *testing.T, u user, dir string) {
		r := sandboxed(t, u, dir, everything(dir), "/bin/sh", "-c", script)
		if !strings.HasSuffix(r.out, "done\n") || r.status != 0 {
			t.Fatalf("the supervisor did not survive: status %d\n%s%s", r.status, r.out, r.err)
		}
		tries := strings.Count(r.out, "\n") - 1
		for line := range strings.Lines(r.out) {
			if strings.HasSuffix(line, ": ok\n") {
				t.Errorf("a target could: %s", line)
			}
		}
		if tries < 40 {
			t.Errorf("only %d things were tried:\n%s", tries, r.out)
		}
	})
}

// TestOutsideIsOutOfReach does the same for a process beside the sandbox.
func TestOutsideIsOutOfReach(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		victim := command(u, dir, "/bin/sleep", "60")
		if err := victim.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = victim.Process.Kill(); _ = victim.Wait() }()
		pid := strconv.Itoa(victim.Process.Pid)
		for _, flags := range [][]string{{"--allow-fs-read=*"}, everything(dir)} {
			for _, try := range []string{
				"kill PID 0", "kill PID 9", "tkill PID 9", "pidfdsignal PID 9", "ptrace PID", "vmread PID", "prlimit PID",
				"setpriority PID", "pidfdgetfd PID 0", "read /proc/PID/environ", "read /proc/PID/mem", "read /proc/PID/maps",
				"read /proc/PID/fd/0", "list /proc/PID/root", "list /proc/PID/cwd",
			} {
				args := append([]string{probe}, strings.Fields(strings.ReplaceAll(try, "PID", pid))...)
				if r := sandboxed(t, u, dir, flags, args...); r.verdict() == "ok" || r.status != 1 {
					t.Errorf("%v: %s: %s%s", flags, try, r.out, r.err)
				}
			}
		}
	})
}

// TestKernelFilesStayClosed: a write grant of everything is none for what steers
// the kernel. Root without a capability still owns these files.
func TestKernelFilesStayClosed(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		block := blockDevice(t)
		for _, flag := range []string{"--allow-fs-write=*", "--allow-fs-write=/"} {
			for _, try := range []string{
				"write /proc/sys/kernel/core_pattern", "write /proc/sysrq-trigger", "write /proc/self/mem", "write /proc/self/oom_score_adj",
				"write /sys/kernel/mm/transparent_hugepage/enabled", "mkdir /sys/fs/cgroup/unified/sandrun-test", "mkdir /sys/fs/cgroup/sandrun-test",
				"write " + block, "chmod " + block + " 0666", "chown " + block + " 65534 -1", "chmod /proc/sys/kernel/core_pattern 0666",
				"mknod " + dir + "/node 020666 0x103", "mknod " + dir + "/block 060666 0xfe00", "chmod /dev/null 0600", "utime /dev/null",
				"chmod " + dir + " 04755", "createmode " + dir + "/setuid 04755", "openat2 " + dir + "/setuid 04755", "mkdir /dev/x",
				"setxattr " + dir + " security.x", "setxattr " + dir + " security.capability",
			} {
				args := append([]string{probe}, strings.Fields(try)...)
				r := sandboxed(t, u, dir, []string{flag, "--allow-fs-read=*"}, args...)
				if r.status != 1 || r.verdict() == "ok" {
					t.Errorf("%s: %s: %s%s", flag, try, r.out, r.err)
				}
			}
			for _, try := range []string{"create " + dir + "/new", "chmod " + dir + " 0700", "utime " + dir} {
				args := append([]string{probe}, strings.Fields(try)...)
				if r := sandboxed(t, u, dir, []string{flag, "--allow-fs-read=*"}, args...); r.verdict() != "ok" {
					t.Errorf("%s: the neighbour %s: %s%s", flag, try, r.out, r.err)
				}
			}
		}
	})
}

// blockDevice finds a block device that exists here.
func blockDevice(t *testing.T) string {
	t.Helper()
	list, err := os.ReadDir("/dev")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Type()&os.ModeDevice != 0 && e.Type()&os.ModeCharDevice == 0 {
			return "/dev/" + e.Name()
		}
	}
	return "/dev/null" // none here; a character device is refused alike
}

// TestPairReachesNothing: without net a datagram pair would reach any socket file.
func TestPairReachesNothing(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		path := dir + "/socket"
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
		if r := plain(t, u, dir, probe, "sendpair", path); r.verdict() != "ok" {
			t.Fatalf("without sandrun: %s", r.out)
		}
		for _, flags := range [][]string{nil, {"--allow-net"}, everything(dir)} {
			for _, try := range []string{"sendpair", "connectunix"} {
				if r := sandboxed(t, u, dir, flags, probe, try, path); r.verdict() == "ok" || r.status != 1 {
					t.Errorf("%v %s: %s%s", flags, try, r.out, r.err)
				}
			}
			for _, kind := range []string{"1", "5", "0x80001"} { // STREAM, SEQPACKET, STREAM|CLOEXEC
				if r := sandboxed(t, u, dir, flags, probe, "socketpair", "1", kind, "0"); r.verdict() != "ok" {
					t.Errorf("%v socketpair %s: %s%s", flags, kind, r.out, r.err)
				}
			}
		}
	})
}

// TestLoaderRunsNothing: under a program list the ELF interpreter must be
// executable, and would run any readable file.
func TestLoaderRunsNothing(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		flags := []string{"--allow-fs-read=*", "--allow-child-process=/bin/true", "--allow-addons"}
		loader := loaderOf(t, u, dir)
		for _, args := range [][]string{
			{"spawn", loader, "/bin/echo", "escaped"},
			{"spawn", loader, "--list", "/bin/echo"},
			{"spawn", "/bin/echo", "escaped"},
			{"memfdexec", "/bin/true"},
			{"memfd", "0"},
			{"exec", "/bin/sh", "-c", "echo escaped"},
			{"execveat", "/bin/echo", "escaped"},
		} {
			r := sandboxed(t, u, dir, flags, append([]string{probe}, args...)...)
			if strings.Contains(r.out, "escaped") || r.status == 0 {
				t.Errorf("%q: status %d: %s%s", args, r.status, r.out, r.err)
			}
		}
		if r := sandboxed(t, u, dir, flags, probe, "spawn", "/bin/true"); r.verdict() != "ok" {
			t.Errorf("the listed program: %s%s", r.out, r.err)
		}
		// A file without code to map: its relocations would write the loader's
		// memory. The loader must be killed before, not crash (139) after.
		file := plainELF(t, u, dir)
		script := loader + " " + file + "; echo status $?"
		if r := plain(t, u, dir, "/bin/sh", "-c", script); !strings.Contains(r.out, "status 139") {
			t.Fatalf("without sandrun: %s%s", r.out, r.err)
		}
		if r := sandboxed(t, u, dir, flags, "/bin/sh", "-c", script); !strings.Contains(r.out, "status 137") {
			t.Errorf("the loader got through: %s%s", r.out, r.err)
		}
		if r := sandboxed(t, u, dir, flags, probe, "memfd", "8"); r.verdict() != "ok" {
			t.Errorf("a file without a name that cannot be executed: %s%s", r.out, r.err)
		}
	})
}

// plainELF makes a program that needs no library and has no executable segment.
func plainELF(t *testing.T, u user, dir string) string {
	t.Helper()
	write(t, u, dir+"/start.c", "void _start(void) { for (;;) ; }\n", 0o644)
	out := dir + "/plain"
	if msg, err := exec.Command("gcc", "-nostdlib", "-pie", "-o", out, dir+"/start.c").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, msg)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	offset, size, n := binary.LittleEndian.Uint64(data[32:]), uint64(binary.LittleEndian.Uint16(data[54:])), uint64(binary.LittleEndian.Uint16(data[56:]))
	for i := range n {
		if h := data[offset+i*size:]; binary.LittleEndian.Uint32(h) == 1 { // PT_LOAD
			binary.LittleEndian.PutUint32(h[4:], binary.LittleEndian.Uint32(h[4:])&^1) // PF_X
		}
	}
	write(t, u, out, string(data), 0o755)
	return out
}

// loaderOf finds the ELF interpreter of this machine.
func loaderOf(t *testing.T, u user, dir string) string {
	t.Helper()
	for _, path := range []string{"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"} {
		if _, err := os.Stat(path); err == nil {
			if r := plain(t, u, dir, path, "/bin/echo", "escaped"); !strings.Contains(r.out, "escaped") {
				t.Fatalf("%s does not run programs here: %s", path, r.err)
			}
			return path
		}
	}
	t.Fatal("no ELF interpreter is known for this machine")
	return ""
}

// TestAccessModeThree: a file opened for neither reading nor writing needs no
// right of Landlock, and its descriptor would take leases and metadata.
func TestAccessModeThree(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		outside := scene(t, u) + "/file"
		if r := plain(t, u, dir, probe, "fchmodmode", outside, "3", "0640"); r.verdict() != "ok" {
			t.Fatalf("without sandrun: %s", r.out)
		}
		for _, flags := range [][]string{nil, {"--allow-fs-write=" + dir}, {"--allow-fs-read=" + dir, "--allow-addons"}} {
			for _, mode := range []string{"3", "0x80003", "0x803", "0x100000003"} { // with CLOEXEC, NONBLOCK, high bits
				for _, try := range [][]string{{"openmode", outside, mode}, {"fchmodmode", outside, mode, "0640"}} {
					if r := sandboxed(t, u, dir, flags, append([]string{probe}, try...)...); r.verdict() != "EACCES" {
						t.Errorf("%v %q: %s%s", flags, try, r.out, r.err)
					}
				}
			}
			if r := sandboxed(t, u, dir, flags, probe, "openat2read", outside); r.verdict() != "EACCES" && r.verdict() != "ENOSYS" {
				t.Errorf("%v openat2: %s%s", flags, r.out, r.err)
			}
		}
	})
}

// TestMetadataRace changes modes while another thread exchanges path and
// descriptor: what was judged is what is changed.
func TestMetadataRace(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		granted, outside := scene(t, u), scene(t, u)
		flags := []string{"--allow-fs-write=" + granted, "--allow-fs-read=" + granted, "--allow-fs-read=" + outside, "--allow-worker"}
		r := sandboxed(t, u, dir, flags, probe, "racechmod", granted+"/file", outside+"/file", "10000")
		if r.verdict() != "ok" {
			t.Fatalf("%s%s", r.out, r.err)
		}
		var changed int
		if _, err := fmt.Sscanf(r.out, "changed %d", &changed); err != nil || changed < 100 || changed > 19_900 {
			t.Errorf("%s: the race shows nothing", r.out)
		}
		for path, want := range map[string]os.FileMode{granted + "/file": 0o601, outside + "/file": 0o644} {
			st, err := os.Stat(path)
			if err != nil || st.Mode().Perm() != want {
				t.Errorf("%s has mode %v, want %v", path, st.Mode().Perm(), want)
			}
		}
	})
}
