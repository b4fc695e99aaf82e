//go:build linux

package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"sandrun/policy"
	"sandrun/sandbox/landlock"
	"sandrun/sandbox/seccomp"
)

// A Gap is a promise that the running kernel, or this place, cannot hold.
type Gap struct {
	Name string // what --tolerate takes
	Text string // what is open, and why
}

// GapNames are the names that --tolerate takes. Those that the filter holds on
// every kernel (see findGaps) stay among them: to accept what is never open is no
// mistake.
var GapNames = []string{
	"truncate", "ioctl-dev", "signals", "abstract-sockets", "tcp", "landlock", "target-memory", "kernel-files",
}

// A GapError lists every gap that was not tolerated.
type GapError struct{ Gaps []Gap }

func (e *GapError) Error() string {
	texts := make([]string, len(e.Gaps))
	for i, g := range e.Gaps {
		texts[i] = g.Name + ": " + g.Text
	}
	return "this kernel or place cannot hold what the policy promises: " + strings.Join(texts, "; ")
}

// findGaps lists what the kernel lacks of what the policy needs.
//
// Five rights are not listed because a filter holds the same promise on every
// kernel: TCP and abstract sockets (no socket can be made), ioctl on devices
// (only listed requests pass), signals and truncation (see replace).
func findGaps(f *Facts, p *Plan) []Gap {
	k := f.Kernel
	if k.Landlock != landlock.Works {
		return []Gap{{"landlock", "files are open, and through /proc other processes: " + k.String()}}
	}
	var gaps []Gap
	if k.Yama >= 2 && p.readsMemory() {
		gaps = append(gaps, Gap{
			"target-memory",
			fmt.Sprintf("paths cannot be judged: kernel.yama.ptrace_scope is %d and keeps the supervisor from reading them; metadata writes and names without a kernel rule will fail", k.Yama),
		})
	}
	for _, g := range f.Grants {
		if f.UID == 0 && len(g.Kernel) > 0 {
			gaps = append(gaps, Gap{
				"kernel-files",
				fmt.Sprintf("%s %s opens a kernel file system for writing as root, which is a way out of the sandbox", g.Grant.Source, g.Grant.Value),
			})
		}
	}
	return gaps
}

// readsMemory tells whether the policy grants or reports what the supervisor finds
// only in the target's memory.
func (p *Plan) readsMemory() bool {
	f := p.facts
	judged := f.Policy.Has(policy.FSWrite) && p.Choice[seccomp.Metadata] == seccomp.Notify
	return judged || f.watched() || f.named(policy.FSRead)+f.named(policy.FSWrite) > 0
}

// settle splits gaps into those that were accepted by name and an error for the
// rest.
func settle(gaps []Gap, tolerated []string) (accepted []Gap, err error) {
	var open []Gap
	for _, g := range gaps {
		if slices.Contains(tolerated, g.Name) {
			accepted = append(accepted, g)
		} else {
			open = append(open, g)
		}
	}
	if len(open) > 0 {
		return accepted, &GapError{open}
	}
	return accepted, nil
}
