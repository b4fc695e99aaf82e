//go:build linux

package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sandrun/policy"
	"sandrun/sandbox/landlock"
	"sandrun/sandbox/seccomp"
)

// policies are flags of plans that differ in what an old kernel matters for.
var policies = []string{
	"", "allow-addons", "allow-child-process", "allow-addons allow-child-process", "allow-child-process=/bin/true",
	"allow-worker", "allow-fs-read=*", "allow-fs-write=/tmp", "allow-fs-write=*", "allow-addons allow-fs-write=*", "allow-net", "allow-inspector",
}

// TestOldKernels holds the plans for every ABI, with every user and every fix,
// against what DESIGN 1 says of them.
func TestOldKernels(t *testing.T) {
	for abi := range landlock.Newest + 1 {
		for _, errata := range []int{0, 7} {
			for _, uid := range []int{0, 1000} {
				for _, flags := range policies {
					t.Run(fmt.Sprint(abi, errata, uid, flags), func(t *testing.T) {
						f := facts(t, strings.Fields(flags)...)
						f.UID, f.Kernel = uid, Kernel{ABI: abi, Errata: errata}
						if abi == 0 {
							f.Kernel.Landlock, f.Options.Tolerate = landlock.Absent, []string{"landlock"}
						}
						p, err := NewPlan(f)
						if err != nil {
							t.Fatalf("a plan has a gap: %v", err)
						}
						checkSignals(t, p, abi < 6 || errata == 0)
						checkTruncate(t, p, abi < 3)
						if got := strings.Contains(strings.Join(p.Notes, "\n"), "ioctl on devices"); got != (abi > 0 && abi < 5) {
							t.Errorf("the note on ioctl: %v", got)
						}
					})
				}
			}
		}
	}
}

// checkSignals: exactly one layer holds signals, and a pid that may become free
// under the processes left behind is held by a supervisor.
func checkSignals(t *testing.T, p *Plan, old bool) {
	t.Helper()
	if scoped := p.Handled.Scoped&landlock.Signals != 0; scoped == old {
		t.Errorf("Landlock confines signals: %v", scoped)
	}
	if denied := p.Choice[seccomp.Signal] == seccomp.Deny; denied != old {
		t.Errorf("the filter confines signals: %v", denied)
	}
	if old && p.Facts().Policy.Has(policy.Child) && !p.Supervised() {
		t.Error("nobody holds the pid that the filter lets signals reach")
	}
	noted := strings.Contains(strings.Join(p.Notes, "\n"), "confine signals")
	if noted != (old && p.Facts().Kernel.Landlock == landlock.Works) {
		t.Errorf("the note on signals: %v", noted)
	}
}

// checkTruncate: what cannot be judged is refused.
func checkTruncate(t *testing.T, p *Plan, old bool) {
	t.Helper()
	if held := p.Handled.FS&landlock.Truncate != 0; held == old {
		t.Errorf("Landlock judges truncation: %v", held)
	}
	if denied := p.Choice[seccomp.Truncate] == seccomp.Deny; denied != old {
		t.Errorf("the filter refuses to truncate: %v", denied)
	}
	if old && p.Choice[seccomp.Openat2] != seccomp.Deny {
		t.Error("openat2, which can truncate, is not refused")
	}
	noted := strings.Contains(strings.Join(p.Notes, "\n"), "from being emptied")
	if noted != (old && p.Facts().Kernel.Landlock == landlock.Works) {
		t.Errorf("the note on truncation: %v", noted)
	}
}

// TestOldKernelsUnderLog: what a permission governs goes ahead and is reported;
// signals to the outside are governed by none.
func TestOldKernelsUnderLog(t *testing.T) {
	f := facts(t)
	f.Policy.OnError, f.Kernel = policy.Log, Kernel{ABI: 2, Errata: 7}
	p, err := NewPlan(f)
	if err != nil {
		t.Fatal(err)
	}
	if p.Choice[seccomp.Signal] != seccomp.Deny || p.Choice[seccomp.Truncate] != seccomp.Notify {
		t.Errorf("signal %d, truncate %d", p.Choice[seccomp.Signal], p.Choice[seccomp.Truncate])
	}
	if strings.Contains(strings.Join(p.Notes, "\n"), "from being emptied") {
		t.Error("a note says that truncation is refused")
	}
}

// TestReplaceHasTheLastWord: where the kernel refuses nothing, a supervisor that
// lets calls go ahead would let them through.
func TestReplaceHasTheLastWord(t *testing.T) {
	f := facts(t, "allow-fs-write=/tmp")
	f.Kernel = Kernel{ABI: 2, Errata: 7}
	var c seccomp.Choice
	for s := range c {
		c[s] = seccomp.Notify
	}
	replace(f, &c)
	for _, s := range []seccomp.Slot{seccomp.Signal, seccomp.Truncate, seccomp.Openat2} {
		if c[s] != seccomp.Deny {
			t.Errorf("slot %d is %d", s, c[s])
		}
	}
}

// TestHeldGapsAreTolerated: a name that can be no gap any more is no mistake.
func TestHeldGapsAreTolerated(t *testing.T) {
	for _, name := range []string{"truncate", "signals", "ioctl-dev", "abstract-sockets", "tcp"} {
		if !slices.Contains(GapNames, name) {
			t.Errorf("--tolerate does not know %s", name)
		}
		f := facts(t)
		f.Kernel, f.Options.Tolerate = Kernel{ABI: 2}, []string{name}
		if p, err := NewPlan(f); err != nil || len(p.Accepted) > 0 {
			t.Errorf("%s: %v, accepted %v", name, err, p.Accepted)
		}
	}
}
