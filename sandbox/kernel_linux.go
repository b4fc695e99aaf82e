package sandbox

import (
	"fmt"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/landlock"
)

// Kernel is what the running kernel, and this place in it, can enforce. Probe
// fills it in; tests write it by hand.
type Kernel struct {
	Landlock landlock.Support
	Reason   string // the kernel's answer when Landlock does not work
	ABI      int    // Landlock ABI version, 0 without Landlock
	Errata   int    // bits of the fixed Landlock errata
	// Yama is kernel.yama.ptrace_scope: 2 and 3 keep even a parent from reading
	// the memory of the target. 0 without Yama.
	Yama int
}

// Probe asks the running kernel. It never fails: what cannot be learned counts
// as missing.
func Probe() Kernel {
	var k Kernel
	var err error
	k.Landlock, k.ABI, k.Errata, err = landlock.Probe()
	if err != nil {
		k.Reason = err.Error()
	}
	k.Yama = readYama()
	return k
}

// readYama reads the ptrace scope; a kernel without Yama has no such file. To look for
// it in vain takes 13 µs, so that Yama's option of prctl(2) is asked for first. It takes
// back at most the leave to trace us that what ran here before has given. Under a filter
// the answer can be anybody's, and is not believed.
func readYama() int {
	filtered, _, e := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_SECCOMP, 0, 0)
	if e == 0 && filtered == 0 && unix.Prctl(unix.PR_SET_PTRACER, 0, 0, 0, 0) == unix.EINVAL {
		return 0
	}
	fd, err := unix.Open("/proc/sys/kernel/yama/ptrace_scope", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		if err == unix.ENOENT {
			return 0
		}
		return 3 // unknown counts as the strictest: a gap, not a surprise
	}
	defer unix.Close(fd)
	var b [8]byte
	n, err := unix.Read(fd, b[:])
	if err != nil || n < 1 || b[0] < '0' || b[0] > '3' {
		return 3
	}
	return int(b[0] - '0')
}

// Rights is what Landlock can handle here.
func (k Kernel) Rights() landlock.Rights { return landlock.For(k.ABI, k.Errata) }

// String says it in one line, as plan prints it.
func (k Kernel) String() string {
	switch k.Landlock {
	case landlock.Works:
		return fmt.Sprintf("Landlock ABI %d (errata %#x)", k.ABI, k.Errata)
	case landlock.Absent:
		return "no Landlock (the kernel is older than 5.13 or was built without it)"
	case landlock.Disabled:
		return "Landlock is built in but not enabled (add landlock to the kernel parameter lsm=)"
	case landlock.Blocked:
		return "Landlock is blocked by an outer sandbox (" + k.Reason + ")"
	}
	return "Landlock does not answer: " + k.Reason
}
