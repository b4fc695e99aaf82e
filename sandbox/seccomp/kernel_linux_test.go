package seccomp_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
)

// The tests of this file install programs in the running kernel. That cannot be
// undone, so each runs in a child: this test binary again, which knows its part
// from roleVar and prints doneToken at its end.
const (
	roleVar   = "SANDRUN_SECCOMP_ROLE"
	dirVar    = "SANDRUN_SECCOMP_DIR"
	doneToken = "all as the table says"
)

// roles are what a child can do.
var roles = map[string]func() error{
	"refused": refusedRole, "open": openRole, "notified": notifiedRole, "setid": setidRole, "exec": execRole,
}

func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	runtime.LockOSThread()
	if err := roles[role](); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(doneToken)
	os.Exit(0)
}

// playRole runs a child and returns what it printed.
func playRole(t *testing.T, role, dir string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), roleVar+"="+role, dirVar+"="+dir)
	out, err := child.CombinedOutput()
	return string(out), err
}

func TestKernel(t *testing.T) {
	for role := range roles {
		if role == "exec" {
			continue // TestForeignArchitecture
		}
		t.Run(role, func(t *testing.T) {
			out, err := playRole(t, role, t.TempDir())
			if err != nil || !strings.HasSuffix(out, doneToken+"\n") {
				t.Fatalf("the child ended with %v:\n%s", err, out)
			}
		})
	}
}

// install puts a program on the calling thread.
func install(code []unix.SockFilter, flags uintptr) (listener int, err error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, fmt.Errorf("prctl: %w", err)
	}
	program := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	fd, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	if e != 0 {
		return -1, fmt.Errorf("seccomp: %w", e)
	}
	return int(fd), nil
}

// nativeCalls are the numbers of this machine by name.
func nativeCalls() map[string]uint32 {
	calls := map[string]uint32{"no such call": 1000}
	for _, g := range seccomp.Groups() {
		for _, r := range g.Rows {
			calls[r.Name] = r.Nr
		}
	}
	return calls
}

// try makes a call and returns its errno.
func try(nr uint32, a [6]uint64) unix.Errno {
	_, _, e := unix.RawSyscall6(uintptr(nr), uintptr(a[0]), uintptr(a[1]), uintptr(a[2]), uintptr(a[3]), uintptr(a[4]), uintptr(a[5]))
	return e
}

// refusedRole denies everything, and makes every call that the table refuses:
// all numbers with zeros, x32, and what verdicts holds.
func refusedRole() error {
	var c seccomp.Choice
	rows := map[uint32]*seccomp.Row{}
	for _, g := range seccomp.Groups() {
		for i := range g.Rows {
			rows[g.Rows[i].Nr] = &g.Rows[i]
		}
	}
	calls := nativeCalls()
	if _, err := install(seccomp.Program(c), 0); err != nil {
		return err
	}
	var wrong []error
	check := func(nr uint32, args [6]uint64, want seccomp.Action) {
		if want = want.Answer(&c); want == seccomp.Pass {
			return
		}
		if got := try(nr, args); got != want.Errno() {
			wrong = append(wrong, fmt.Errorf("call %d (%s) %#x answers %d, want %d", nr, seccomp.Name(int(nr)), args, got, want.Errno()))
		}
	}
	for nr := range uint32(1024) {
		want := seccomp.Unknown
		if r := rows[nr]; r != nil {
			want = r.Decide(&[6]uint64{})
		}
		check(nr, [6]uint64{}, want)
		check(nr|x32, [6]uint64{}, seccomp.Unknown)
	}
	for _, v := range verdicts {
		check(calls[v.call], v.args, v.want)
	}
	return errors.Join(wrong...)
}

// openRole allows every slot, and makes calls that must now reach the kernel,
// which refuses them for reasons of its own.
func openRole() error {
	c := all(seccomp.Allow)
	calls := nativeCalls()
	if _, err := install(seccomp.Program(c), 0); err != nil {
		return err
	}
	const none = ^uint64(0) // no descriptor
	var wrong []error
	for _, k := range []struct {
		call string
		args [6]uint64
		want unix.Errno
	}{
		{"clone", [6]uint64{unix.CLONE_THREAD}, unix.EINVAL},                                     // without CLONE_SIGHAND
		{"clone", [6]uint64{unix.CLONE_SIGHAND | 17}, unix.EINVAL},                               // without CLONE_VM
		{"clone", [6]uint64{unix.CLONE_THREAD | unix.CLONE_NEWUSER | unix.CLONE_FS}, unix.EPERM}, // still ours
		{"execve", [6]uint64{}, unix.EFAULT},
		{"execveat", [6]uint64{none}, unix.EFAULT},
		{"mmap", [6]uint64{0, 4096, unix.PROT_EXEC, unix.MAP_PRIVATE, none}, unix.EBADF},
		{"memfd_create", [6]uint64{}, unix.EFAULT},
		{"fchmod", [6]uint64{none, 0o600}, unix.EBADF},
		{"fchmod", [6]uint64{none, 0o4700}, unix.EPERM},
		{"openat2", [6]uint64{none}, unix.EINVAL},
		{"connect", [6]uint64{none}, unix.EBADF},
		{"sendto", [6]uint64{none, 0, 0, unix.MSG_FASTOPEN}, unix.EBADF},
		{"ioctl", [6]uint64{none, unix.TCGETS}, unix.EBADF},
		{"ioctl", [6]uint64{none, unix.TIOCSTI}, unix.EPERM},
		{"ioctl", [6]uint64{none, unix.FS_IOC_SETFLAGS}, unix.EBADF},
		{"process_vm_readv", [6]uint64{0, 0, 0, 0, 0, 1}, unix.EINVAL},
		{"seccomp", [6]uint64{unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER}, unix.EFAULT},
		{"socketpair", [6]uint64{unix.AF_UNIX, unix.SOCK_STREAM}, unix.EFAULT},
	} {
		if got := try(calls[k.call], k.args); got != k.want {
			wrong = append(wrong, fmt.Errorf("%s(%#x) answers %d, want %d", k.call, k.args, got, k.want))
		}
	}
	return errors.Join(wrong...)
}

// notifiedRole answers one execve from another thread.
func notifiedRole() error {
	var c seccomp.Choice
	c[seccomp.Exec] = seccomp.Notify
	listener, err := install(seccomp.Program(c), unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
	if err != nil {
		return err
	}
	answered := make(chan error)
	go func() {
		var n [80]byte // struct seccomp_notif: the id comes first, the number at 16
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n))); e != 0 {
			answered <- fmt.Errorf("receive: %w", e)
			return
		}
		answer := struct {
			id, value    uint64
			errno, flags int32
		}{*(*uint64)(unsafe.Pointer(&n)), 0, -int32(unix.EBADFD), 0}
		_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&answer)))
		switch nr := *(*uint32)(unsafe.Pointer(&n[16])); {
		case e != 0:
			answered <- fmt.Errorf("send: %w", e)
		case nr != unix.SYS_EXECVE:
			answered <- fmt.Errorf("the notification is for call %d", nr)
		default:
			answered <- nil
		}
	}()
	if e := try(unix.SYS_EXECVE, [6]uint64{}); e != unix.EBADFD {
		return fmt.Errorf("execve answers %d, not what the listener said", e)
	}
	if e := try(unix.SYS_EXECVEAT, [6]uint64{}); e != unix.EACCES {
		return fmt.Errorf("execveat answers %d", e)
	}
	return <-answered
}

// setidRole tries to make a setuid file with every slot open.
func setidRole() error {
	if _, err := install(seccomp.Program(all(seccomp.Allow)), 0); err != nil {
		return err
	}
	name := filepath.Join(os.Getenv(dirVar), "file")
	flags := unix.O_WRONLY | unix.O_CREAT
	if _, err := unix.Open(name, flags, 0o4755); err != unix.EPERM {
		return fmt.Errorf("open with a setuid mode: %v", err)
	}
	if _, err := os.Lstat(name); !os.IsNotExist(err) {
		return fmt.Errorf("the refused open left a file: %v", err)
	}
	fd, err := unix.Open(name, flags, 0o755)
	if err != nil {
		return fmt.Errorf("open with a plain mode: %w", err)
	}
	if err := unix.Fchmod(fd, 0o4755); err != unix.EPERM {
		return fmt.Errorf("fchmod with a setuid mode: %v", err)
	}
	if err := unix.Fchmod(fd, 0o700); err != nil {
		return fmt.Errorf("fchmod with a plain mode: %w", err)
	}
	return nil
}

// execRole executes a program with every slot open.
func execRole() error {
	name := filepath.Join(os.Getenv(dirVar), "program")
	if _, err := install(seccomp.Program(all(seccomp.Allow)), 0); err != nil {
		return err
	}
	return unix.Exec(name, []string{name}, nil)
}
