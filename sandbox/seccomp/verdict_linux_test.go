package seccomp_test

import (
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
	"sandrun/sandbox/seccomp/gen"
)

const (
	pass = seccomp.Pass
	high = 0xffffffff << 32 // garbage in the upper half of a register
)

func errno(e unix.Errno) seccomp.Action {
	return unix.SECCOMP_RET_ERRNO | seccomp.Action(e)
}

func slot(s seccomp.Slot, e unix.Errno) seccomp.Action {
	return unix.SECCOMP_RET_TRACE | seccomp.Action(s)<<8 | seccomp.Action(e)
}

// verdicts are written by hand from the design and from the attacks on record,
// not from the table: what a call with these arguments must come to. The names
// are those of both architectures.
var verdicts = []struct {
	call string
	args [6]uint64
	want seccomp.Action
}{
	{"read", [6]uint64{}, pass},
	{"no such call", [6]uint64{}, errno(unix.ENOSYS)},

	// Threads and processes.
	{"clone", [6]uint64{17}, slot(seccomp.Child, unix.EPERM)},
	{"clone", [6]uint64{17 | high}, slot(seccomp.Child, unix.EPERM)},
	{"clone", [6]uint64{unix.CLONE_VM | unix.CLONE_VFORK | 17}, slot(seccomp.Child, unix.EPERM)}, // posix_spawn
	{"clone", [6]uint64{unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_PIDFD | 17}, slot(seccomp.Child, unix.EPERM)},
	{"clone", [6]uint64{0x01200011}, slot(seccomp.Child, unix.EPERM)},                                // glibc's fork
	{"clone", [6]uint64{0x003d0f00}, slot(seccomp.Thread, unix.EPERM)},                               // glibc's pthread_create
	{"clone", [6]uint64{0x00050f00}, slot(seccomp.Thread, unix.EPERM)},                               // Go's newosproc
	{"clone", [6]uint64{unix.CLONE_VM | 17}, errno(unix.EPERM)},                                      // a thread by another name
	{"clone", [6]uint64{unix.CLONE_VM | unix.CLONE_FILES | 17}, errno(unix.EPERM)},                   // the same
	{"clone", [6]uint64{unix.CLONE_FILES | 17}, slot(seccomp.Shared, unix.EPERM)},                    // shared descriptors
	{"clone", [6]uint64{unix.CLONE_FS | 17}, slot(seccomp.Shared, unix.EPERM)},                       // shared directory
	{"clone", [6]uint64{unix.CLONE_VM | unix.CLONE_VFORK | 0x800}, slot(seccomp.Shared, unix.EPERM)}, // shared handlers
	{"clone", [6]uint64{unix.CLONE_NEWUSER | 17}, errno(unix.EPERM)},
	{"clone", [6]uint64{unix.CLONE_NEWNET | 0x003d0f00}, errno(unix.EPERM)},
	{"clone", [6]uint64{unix.CLONE_PARENT | 17}, errno(unix.EPERM)},
	{"clone", [6]uint64{unix.CLONE_PARENT | 0x003d0f00}, errno(unix.EPERM)},
	{"clone3", [6]uint64{}, errno(unix.ENOSYS)},
	{"unshare", [6]uint64{unix.CLONE_NEWUSER}, errno(unix.EPERM)},
	{"setns", [6]uint64{}, errno(unix.EPERM)},
	{"execve", [6]uint64{}, slot(seccomp.Exec, unix.EACCES)},
	{"execveat", [6]uint64{}, slot(seccomp.ExecAt, unix.EACCES)},

	// Native code.
	{"mmap", [6]uint64{0, 4096, 5, 2, 3}, slot(seccomp.MapExec, unix.EACCES)},
	{"mmap", [6]uint64{0, 4096, 5 | high, 2 | high, 3}, slot(seccomp.MapExec, unix.EACCES)},
	{"mmap", [6]uint64{0, 4096, 7, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS}, pass}, // a JIT
	{"mmap", [6]uint64{0, 4096, 3, 2, 3}, pass},
	{"mprotect", [6]uint64{0, 0, 5}, pass},
	{"memfd_create", [6]uint64{0, unix.MFD_CLOEXEC}, slot(seccomp.Memfd, unix.ENOSYS)},
	{"memfd_create", [6]uint64{0, unix.MFD_EXEC}, slot(seccomp.Memfd, unix.ENOSYS)},
	{"memfd_create", [6]uint64{0, unix.MFD_NOEXEC_SEAL << 32}, slot(seccomp.Memfd, unix.ENOSYS)},
	{"memfd_create", [6]uint64{0, unix.MFD_CLOEXEC | unix.MFD_NOEXEC_SEAL}, pass},
	{"personality", [6]uint64{0x0400000}, errno(unix.EPERM)}, // READ_IMPLIES_EXEC
	{"personality", [6]uint64{0x0040000}, errno(unix.EPERM)}, // ADDR_NO_RANDOMIZE
	{"personality", [6]uint64{0}, pass},
	{"personality", [6]uint64{0xffffffff}, pass},

	// Files: setuid and setgid are refused as a whole, where the mode counts.
	{"openat", [6]uint64{0, 0, unix.O_RDONLY, 0o6777}, slot(seccomp.OpenRead, unix.EACCES)},
	{"openat", [6]uint64{0, 0, unix.O_RDONLY | unix.O_DIRECTORY, 0o6777}, slot(seccomp.OpenRead, unix.EACCES)},
	{"openat", [6]uint64{0, 0, unix.O_RDWR | high}, slot(seccomp.OpenWrite, unix.EACCES)},
	{"openat", [6]uint64{0, 0, unix.O_RDONLY | unix.O_CREAT, 0o600}, slot(seccomp.OpenWrite, unix.EACCES)},
	{"openat", [6]uint64{0, 0, unix.O_RDONLY | unix.O_TRUNC}, slot(seccomp.Truncate, unix.EACCES)},
	{"openat", [6]uint64{0, 0, unix.O_RDONLY | unix.O_TRUNC | unix.O_CREAT, 0o600}, slot(seccomp.Truncate, unix.EACCES)},
	{"openat", [6]uint64{0, 0, unix.O_RDONLY | unix.O_TRUNC | unix.O_CREAT | high, 0o4600}, errno(unix.EPERM)},
	{"openat", [6]uint64{0, 0, unix.O_WRONLY | unix.O_TRUNC | unix.O_CREAT, 0o600}, slot(seccomp.OpenWrite, unix.EACCES)},
	{"openat", [6]uint64{0, 0, unix.O_RDWR | unix.O_TRUNC}, slot(seccomp.OpenWrite, unix.EACCES)},
	{"openat", [6]uint64{0, 0, unix.O_RDONLY | unix.O_ACCMODE}, errno(unix.EACCES)},
	{"openat", [6]uint64{0, 0, unix.O_PATH | unix.O_NOFOLLOW}, pass},
	{"openat", [6]uint64{0, 0, unix.O_PATH | unix.O_RDWR | unix.O_CREAT, 0o4777}, pass}, // the kernel drops the rest
	{"truncate", [6]uint64{}, slot(seccomp.Truncate, unix.EACCES)},
	{"mkdirat", [6]uint64{}, slot(seccomp.Change, unix.EACCES)},
	{"renameat2", [6]uint64{}, slot(seccomp.Change, unix.EACCES)},
	{"renameat2", [6]uint64{0, 0, 0, 0, unix.RENAME_EXCHANGE}, slot(seccomp.Change, unix.EACCES)},
	{"renameat2", [6]uint64{0, 0, 0, 0, unix.RENAME_WHITEOUT | high}, errno(unix.EPERM)},
	{"linkat", [6]uint64{}, slot(seccomp.Change, unix.EACCES)},
	{"openat", [6]uint64{0, 0, unix.O_WRONLY | unix.O_CREAT, 0o644}, slot(seccomp.OpenWrite, unix.EACCES)},
	{"openat", [6]uint64{0, 0, unix.O_WRONLY | unix.O_CREAT, 0o4755}, errno(unix.EPERM)},
	{"openat", [6]uint64{0, 0, unix.O_WRONLY | unix.O_CREAT | high, 0o2755 | high}, errno(unix.EPERM)},
	{"openat", [6]uint64{0, 0, unix.O_WRONLY | unix.O_TMPFILE, 0o6755}, errno(unix.EPERM)},
	{"openat", [6]uint64{0, 0, unix.O_WRONLY | unix.O_TMPFILE | unix.O_CREAT, 0o4000}, errno(unix.EPERM)},
	{"openat", [6]uint64{0, 0, unix.O_WRONLY | unix.O_TMPFILE, 0o600}, slot(seccomp.OpenWrite, unix.EACCES)},
	{"openat2", [6]uint64{}, slot(seccomp.Openat2, unix.ENOSYS)},
	{"fchmod", [6]uint64{1, 0o644}, slot(seccomp.Metadata, unix.EPERM)},
	{"fchmod", [6]uint64{1, 0o4755}, errno(unix.EPERM)},
	{"fchmodat", [6]uint64{0, 0, 0o2755}, errno(unix.EPERM)},
	{"fchmodat2", [6]uint64{0, 0, 0o4755 | high}, errno(unix.EPERM)},
	{"fchmodat2", [6]uint64{0, 0, 0o755, 0o6000}, slot(seccomp.Metadata, unix.EPERM)},
	{"utimensat", [6]uint64{}, slot(seccomp.Metadata, unix.EPERM)},
	{"setxattrat", [6]uint64{}, slot(seccomp.Metadata, unix.EPERM)},
	{"file_setattr", [6]uint64{}, slot(seccomp.Metadata, unix.EPERM)},
	{"mknodat", [6]uint64{0, 0, unix.S_IFCHR | 0o600, 5}, errno(unix.EPERM)},
	{"mknodat", [6]uint64{0, 0, unix.S_IFBLK | 0o600, 5}, errno(unix.EPERM)},
	{"mknodat", [6]uint64{0, 0, unix.S_IFIFO | 0o600}, slot(seccomp.Change, unix.EACCES)},
	{"mknodat", [6]uint64{0, 0, unix.S_IFSOCK | 0o600}, slot(seccomp.Change, unix.EACCES)},
	{"mknodat", [6]uint64{0, 0, unix.S_IFREG | 0o4755}, errno(unix.EPERM)},
	{"open_by_handle_at", [6]uint64{}, errno(unix.EPERM)},

	// The terminal, and other requests. CVE-2019-10063 and CVE-2019-7303 are the
	// upper halves, CVE-2023-28100 is TIOCLINUX.
	{"ioctl", [6]uint64{0, unix.TIOCSTI}, errno(unix.EPERM)},
	{"ioctl", [6]uint64{0, unix.TIOCSTI | high}, errno(unix.EPERM)},
	{"ioctl", [6]uint64{0, unix.TIOCSTI | 1<<32}, errno(unix.EPERM)},
	{"ioctl", [6]uint64{0, unix.TIOCLINUX | 1<<40}, errno(unix.EPERM)},
	{"ioctl", [6]uint64{0, unix.TCGETS}, pass},
	{"ioctl", [6]uint64{0, unix.TIOCGWINSZ | high}, pass},
	{"ioctl", [6]uint64{0, unix.TIOCSCTTY}, errno(unix.ENOTTY)},
	{"ioctl", [6]uint64{0, unix.TIOCSETD}, errno(unix.ENOTTY)},
	{"ioctl", [6]uint64{0, unix.FICLONE}, pass},
	{"ioctl", [6]uint64{0, unix.FS_IOC_GETFLAGS}, pass},
	{"ioctl", [6]uint64{0, unix.FS_IOC_SETFLAGS | high}, slot(seccomp.Metadata, unix.EPERM)},
	{"ioctl", [6]uint64{0, 0x401c5820}, slot(seccomp.Metadata, unix.EPERM)}, // FS_IOC_FSSETXATTR
	{"ioctl", [6]uint64{0, unix.FS_IOC_ENABLE_VERITY}, errno(unix.ENOTTY)},
	{"ioctl", [6]uint64{0, unix.SIOCGIFCONF}, slot(seccomp.Net, unix.ENOTTY)},
	{"ioctl", [6]uint64{0, unix.SIOCSIFFLAGS}, errno(unix.ENOTTY)},
	{"ioctl", [6]uint64{0, unix.SIOCSPGRP}, errno(unix.ENOTTY)},

	// Sockets.
	{"socket", [6]uint64{unix.AF_INET, unix.SOCK_STREAM}, slot(seccomp.Net, unix.EPERM)},
	{"socket", [6]uint64{unix.AF_INET6 | high, unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK, 6 | high}, slot(seccomp.Net, unix.EPERM)},
	{"socket", [6]uint64{unix.AF_INET, unix.SOCK_DGRAM, 17}, slot(seccomp.Net, unix.EPERM)},
	{"socket", [6]uint64{unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP}, errno(unix.EPERM)},
	{"socket", [6]uint64{unix.AF_INET, unix.SOCK_RAW, 6}, errno(unix.EPERM)},
	{"socket", [6]uint64{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, errno(unix.EPROTONOSUPPORT)},
	{"socket", [6]uint64{unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_SCTP}, errno(unix.EPERM)},
	{"socket", [6]uint64{unix.AF_UNIX, unix.SOCK_STREAM}, slot(seccomp.Unix, unix.EPERM)},
	{"socket", [6]uint64{unix.AF_PACKET, unix.SOCK_RAW}, errno(unix.EPERM)},
	{"socket", [6]uint64{unix.AF_ALG, unix.SOCK_SEQPACKET}, errno(unix.EPERM)},
	{"socket", [6]uint64{unix.AF_VSOCK, unix.SOCK_STREAM}, errno(unix.EPERM)},
	{"socket", [6]uint64{unix.AF_NETLINK, unix.SOCK_RAW | unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE}, slot(seccomp.Net, unix.EPERM)},
	{"socket", [6]uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT}, errno(unix.EPERM)},
	{"socketpair", [6]uint64{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC}, pass},
	{"socketpair", [6]uint64{unix.AF_UNIX | high, unix.SOCK_SEQPACKET | high}, pass},
	{"socketpair", [6]uint64{unix.AF_UNIX, unix.SOCK_DGRAM}, slot(seccomp.Unix, unix.EPERM)},
	{"socketpair", [6]uint64{unix.AF_UNIX, unix.SOCK_RAW}, slot(seccomp.Unix, unix.EPERM)}, // the kernel makes it DGRAM
	{"socketpair", [6]uint64{unix.AF_INET, unix.SOCK_STREAM}, errno(unix.EPERM)},
	{"connect", [6]uint64{}, slot(seccomp.Net, unix.EACCES)},
	{"listen", [6]uint64{}, slot(seccomp.Net, unix.EPERM)},
	{"sendto", [6]uint64{3, 1, 1, 0, 0, 0}, pass},
	{"sendto", [6]uint64{3, 1, 1, 0, 1 << 32, 16}, slot(seccomp.Net, unix.EACCES)},
	{"sendto", [6]uint64{3, 1, 1, unix.MSG_FASTOPEN | high, 0, 0}, slot(seccomp.Net, unix.EACCES)},
	{"sendmsg", [6]uint64{3, 1, unix.MSG_FASTOPEN}, slot(seccomp.Net, unix.EACCES)},
	{"sendmsg", [6]uint64{3, 1, unix.MSG_NOSIGNAL}, pass},
	{"sendmmsg", [6]uint64{3, 1, 1, unix.MSG_FASTOPEN}, slot(seccomp.Net, unix.EACCES)},

	// Other processes.
	{"ptrace", [6]uint64{}, slot(seccomp.Inspect, unix.EPERM)},
	{"pidfd_getfd", [6]uint64{}, slot(seccomp.Inspect, unix.EPERM)},
	{"prlimit64", [6]uint64{0, 7}, pass},
	{"prlimit64", [6]uint64{high, 7}, pass},
	{"prlimit64", [6]uint64{1, 7}, errno(unix.EPERM)},
	{"sched_setaffinity", [6]uint64{0}, pass},
	{"sched_setaffinity", [6]uint64{4711}, errno(unix.EPERM)},
	{"setpriority", [6]uint64{unix.PRIO_PROCESS, 0, 5}, pass},
	{"setpriority", [6]uint64{unix.PRIO_PGRP, 0, 5}, errno(unix.EPERM)},
	{"setpriority", [6]uint64{unix.PRIO_PROCESS, 1, 5}, errno(unix.EPERM)},
	{"ioprio_set", [6]uint64{1, 0}, pass},
	{"ioprio_set", [6]uint64{1, 1}, errno(unix.EPERM)},
	{"ioprio_set", [6]uint64{3, 0}, errno(unix.EPERM)}, // a user
	{"kill", [6]uint64{1, 9}, slot(seccomp.Signal, unix.EPERM)},
	{"kill", [6]uint64{seccomp.OwnPID | high, 9}, pass},
	{"kill", [6]uint64{0, 9}, slot(seccomp.Signal, unix.EPERM)}, // the process group
	{"tgkill", [6]uint64{1, 1, 9}, slot(seccomp.Signal, unix.EPERM)},
	{"tgkill", [6]uint64{seccomp.OwnPID, 1, 9}, pass},
	{"tkill", [6]uint64{seccomp.OwnPID, 9}, slot(seccomp.Signal, unix.EPERM)},
	{"pidfd_send_signal", [6]uint64{}, slot(seccomp.Signal, unix.EPERM)},
	{"rt_tgsigqueueinfo", [6]uint64{1, 1, 9}, slot(seccomp.Signal, unix.EPERM)},
	{"fcntl", [6]uint64{3, unix.F_SETOWN | high, 1}, slot(seccomp.Signal, unix.EPERM)},
	{"fcntl", [6]uint64{3, unix.F_SETOWN_EX, 1}, slot(seccomp.Signal, unix.EPERM)},
	{"fcntl", [6]uint64{3, unix.F_SETSIG | high, 9}, slot(seccomp.Signal, unix.EPERM)},
	{"fcntl", [6]uint64{3, unix.F_SETFL | high, unix.O_ASYNC | unix.O_NONBLOCK | high}, slot(seccomp.Signal, unix.EPERM)},
	{"fcntl", [6]uint64{3, unix.F_SETFL, unix.O_NONBLOCK | unix.O_APPEND}, pass},
	{"fcntl", [6]uint64{3, unix.F_GETFL, unix.O_ASYNC}, pass},
	{"ioctl", [6]uint64{3, 0x5452 | high}, slot(seccomp.Signal, unix.EPERM)}, // FIOASYNC
	{"shmget", [6]uint64{}, errno(unix.EPERM)},
	{"keyctl", [6]uint64{}, errno(unix.EPERM)},
	{"mq_open", [6]uint64{}, errno(unix.EPERM)},

	// The kernel.
	{"seccomp", [6]uint64{1, 0}, pass},
	{"seccomp", [6]uint64{1, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | high}, slot(seccomp.Listener, unix.EBUSY)},
	{"seccomp", [6]uint64{1, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC}, slot(seccomp.Listener, unix.EBUSY)},
	{"prctl", [6]uint64{unix.PR_SET_MM | high}, errno(unix.EPERM)},
	{"prctl", [6]uint64{unix.PR_SET_NAME}, pass},
	{"prctl", [6]uint64{unix.PR_SET_SECCOMP}, pass},
	{"prctl", [6]uint64{unix.PR_SET_SYSCALL_USER_DISPATCH}, errno(unix.EINVAL)},
	{"prctl", [6]uint64{unix.PR_SET_PTRACER}, slot(seccomp.Inspect, unix.EINVAL)},
	{"prctl", [6]uint64{unix.PR_SET_DUMPABLE, 1}, slot(seccomp.Hide, unix.EPERM)},
	{"prctl", [6]uint64{unix.PR_SET_DUMPABLE, 0}, slot(seccomp.Hide, unix.EPERM)},
	{"prctl", [6]uint64{unix.PR_SET_DUMPABLE | high, 0}, slot(seccomp.Hide, unix.EPERM)},
	{"prctl", [6]uint64{9999}, errno(unix.EINVAL)},
	{"io_uring_setup", [6]uint64{}, errno(unix.ENOSYS)},
	{"io_uring_enter", [6]uint64{}, errno(unix.ENOSYS)},
	{"bpf", [6]uint64{}, errno(unix.EPERM)},
	{"userfaultfd", [6]uint64{}, errno(unix.EPERM)},
	{"mount", [6]uint64{}, errno(unix.EPERM)},
	{"open_tree_attr", [6]uint64{}, errno(unix.EPERM)},
	{"chroot", [6]uint64{}, errno(unix.EPERM)},
	{"landlock_restrict_self", [6]uint64{}, pass},
}

// TestVerdicts runs the checked-in programs, labels and all.
func TestVerdicts(t *testing.T) {
	for _, a := range archs() {
		numbers := map[string]uint32{"no such call": 1000}
		for nr, r := range rowsOf(t, a) {
			numbers[r.Name] = nr
		}
		code := embedded(t, a)
		for _, v := range verdicts {
			nr, ok := numbers[v.call]
			if !ok {
				t.Fatalf("%s has no call %q", a.Name, v.call)
			}
			if got, _ := run(code, &call{nr, a.Audit, v.args}); got != v.want {
				t.Errorf("%s: %s(%#x) gives %#x, want %#x", a.Name, v.call, v.args, got, v.want)
			}
		}
	}
}

// TestAnswer closes each slot in each way.
func TestAnswer(t *testing.T) {
	for s := range seccomp.NumSlots {
		label := slot(s, unix.EACCES)
		for v, want := range map[seccomp.Verdict]seccomp.Action{
			seccomp.Deny: errno(unix.EACCES), seccomp.Allow: pass, seccomp.Notify: unix.SECCOMP_RET_USER_NOTIF,
			seccomp.Notify + 1: errno(unix.EACCES), // no verdict: it must not open anything
		} {
			c := all(v)
			if got := label.Answer(&c); got != want {
				t.Errorf("slot %d, verdict %d: %#x, want %#x", s, v, got, want)
			}
		}
	}
	if c := (seccomp.Choice{}); c != all(seccomp.Deny) {
		t.Error("the zero choice does not deny everything")
	}
}

// native is the architecture of this machine.
func native() gen.Arch {
	return gen.Archs[slices.IndexFunc(gen.Archs, func(a gen.Arch) bool { return a.Name == runtime.GOARCH })]
}

// TestListenerStaysShut wants no choice to notify and to let a newer listener in.
func TestListenerStaysShut(t *testing.T) {
	a := native()
	data := call{unix.SYS_SECCOMP, a.Audit, [6]uint64{1, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER}}
	for _, c := range choices() {
		want := errno(unix.EBUSY)
		if c[seccomp.Listener] == seccomp.Allow && !slices.Contains(c[:], seccomp.Notify) {
			want = pass
		}
		if got, _ := run(seccomp.Program(c), &data); got != want {
			t.Errorf("choice %v: %#x, want %#x", c, got, want)
		}
	}
}
