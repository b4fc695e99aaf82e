//go:build linux

package sandbox

import (
	"fmt"

	"sandrun/policy"
	"sandrun/sandbox/landlock"
	"sandrun/sandbox/seccomp"
)

// lacks names what Landlock cannot hold here and the filter holds in its place.
type lacks struct {
	signals  bool // before Linux 6.12, or without the fix of its scope for signals
	truncate bool // before Linux 6.2
	ioctl    bool // before Linux 6.10
}

func missing(k Kernel) lacks {
	r := k.Rights()
	return lacks{
		signals:  r.Scoped&landlock.Signals == 0,
		truncate: r.FS&landlock.Truncate == 0,
		ioctl:    r.FS&landlock.TerminalIoctl == 0,
	}
}

// replace lets the filter refuse what Landlock cannot on this kernel. It has the
// last word on its slots: where the kernel refuses nothing, no answer of a
// supervisor may be that the call goes ahead. Truncation is refused even where
// everything may be written: "*" leaves out what is mounted below /dev, and
// truncate(2) emptied a file in /dev/shm (tried). Signals are nobody's permission,
// so they stay refused under onerror log too.
func replace(f *Facts, c *seccomp.Choice) {
	l := missing(f.Kernel)
	if l.signals {
		c[seccomp.Signal] = seccomp.Deny
	}
	if l.truncate && f.Policy.OnError != policy.Log {
		c[seccomp.Truncate], c[seccomp.Openat2] = seccomp.Deny, seccomp.Deny
	}
}

// outlivedPID tells whether processes may outlive the one whose pid the filter
// lets signals reach. Its number would then be free for a process outside, so a
// supervisor holds the number until it has killed the others.
func outlivedPID(f *Facts) bool {
	return missing(f.Kernel).signals && f.Policy.Has(policy.Child)
}

// replaced says what works less where the filter stands in for Landlock.
func replaced(f *Facts) (notes []string) {
	if f.Kernel.Landlock != landlock.Works {
		return nil
	}
	l := missing(f.Kernel)
	if l.signals {
		notes = append(notes, fmt.Sprintf("Landlock cannot confine signals on this kernel (ABI 6 and the fix of its second erratum can, Linux %s): "+
			"the filter lets them reach the first process only, from itself or from its children; a child cannot signal itself, its own children or a "+
			"group, so that abort() in it ends with another signal; tkill, pidfd_send_signal and signals of descriptors (F_SETOWN, F_SETSIG, O_ASYNC) fail", landlock.Since(7)))
	}
	if l.truncate && f.Policy.OnError != policy.Log {
		notes = append(notes, fmt.Sprintf("Landlock cannot keep files from being emptied on this kernel (ABI 3 can, Linux %s): "+
			"the filter refuses truncate(2), openat2, and O_TRUNC without access to write, also for files that may be written, and records nothing of it", landlock.Since(3)))
	}
	if l.ioctl {
		notes = append(notes, fmt.Sprintf("Landlock cannot refuse ioctl on devices on this kernel (ABI 5 can, Linux %s): "+
			"the filter's list of requests does; those for terminals work on every terminal that may be opened", landlock.Since(5)))
	}
	return notes
}
