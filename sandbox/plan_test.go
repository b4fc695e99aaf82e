//go:build linux

package sandbox

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sandrun/policy"
	"sandrun/sandbox/closure"
	"sandrun/sandbox/landlock"
	"sandrun/sandbox/seccomp"
)

// newest is a kernel that can hold everything.
var newest = Kernel{ABI: landlock.Newest, Errata: 7}

// granted makes a policy from flags such as "allow-fs-read=/tmp".
func granted(t *testing.T, flags ...string) policy.Policy {
	t.Helper()
	var p policy.Policy
	for _, f := range flags {
		name, value, has := strings.Cut(f, "=")
		i := slices.IndexFunc(policy.Capabilities, func(c policy.Capability) bool { return c.Flag == name })
		if i < 0 {
			t.Fatalf("no flag %s", name)
		}
		grants, _, err := policy.ParseFlag(policy.Capabilities[i], value, !has, "/")
		if err != nil {
			t.Fatal(err)
		}
		p.Grants = append(p.Grants, grants...)
	}
	return p
}

// facts makes the facts of a dynamic program under flags; grants are resolved as
// if every path existed and were a directory.
func facts(t *testing.T, flags ...string) *Facts {
	t.Helper()
	f := &Facts{Kernel: newest, UID: 1000, Closure: &closure.Closure{
		Program: "/bin/x", Exec: "/bin/x", Argv: []string{"x"}, Loaders: []string{"/lib/ld.so"},
		Files: []closure.File{
			{Path: "/bin/x", Access: closure.Read | closure.Execute | closure.Map},
			{Path: "/dev/null", Access: closure.Read | closure.Write},
			{Path: "/dev/pts/1", Access: closure.Read | closure.Write, Terminal: true},
			{Path: "/lib/ld.so", Access: closure.Read | closure.Execute | closure.Map},
			{Path: "/usr/share/zoneinfo", Access: closure.Read, Tree: true},
		},
	}}
	f.Policy = granted(t, flags...)
	for _, g := range f.Policy.Grants {
		switch g.Scope {
		case policy.FSRead, policy.FSWrite, policy.Addon:
			if g.All {
				f.Grants = append(f.Grants, Resolved{Grant: g, Areas: []policy.Area{{Kind: policy.AreaEverything}}, Paths: []string{"/"}})
				continue
			}
			f.Grants = append(f.Grants, Resolved{
				Grant: g, Areas: []policy.Area{{Kind: policy.AreaTree, Path: g.Pattern.Path}}, Paths: []string{g.Pattern.Path},
			})
		case policy.Child:
			if !g.All {
				f.Programs = append(f.Programs, Program{g, &closure.Closure{
					Program: g.Program, Loaders: []string{"/lib/ld.so"},
					Files: []closure.File{{Path: g.Program, Access: closure.Read | closure.Execute | closure.Map}},
				}})
			}
		}
	}
	return f
}

func TestGapsByKernel(t *testing.T) {
	const fixed = 7
	for _, c := range []struct {
		name   string
		kernel Kernel
		flags  []string
		want   string // names of the gaps
	}{
		{"newest", newest, nil, ""},
		{"ABI 6 with errata", Kernel{ABI: 6, Errata: fixed}, nil, ""},
		{"ABI 6 without", Kernel{ABI: 6}, nil, ""},
		{"ABI 5", Kernel{ABI: 5, Errata: fixed}, nil, ""},
		{"ABI 4", Kernel{ABI: 4, Errata: fixed}, []string{"allow-net"}, ""},
		{"ABI 3", Kernel{ABI: 3, Errata: fixed}, nil, ""},
		{"ABI 2", Kernel{ABI: 2, Errata: fixed}, nil, ""},
		{"ABI 2, all may be written", Kernel{ABI: 2, Errata: fixed}, []string{"allow-fs-write=*"}, ""},
		{"ABI 1", Kernel{ABI: 1, Errata: fixed}, nil, ""},
		{"none", Kernel{Landlock: landlock.Absent}, nil, "landlock"},
		{"disabled", Kernel{Landlock: landlock.Disabled}, nil, "landlock"},
		{"blocked", Kernel{Landlock: landlock.Blocked, Reason: "operation not permitted"}, nil, "landlock"},
		{"Yama 2 without metadata", Kernel{ABI: 7, Errata: fixed, Yama: 2}, nil, ""},
		{"Yama 2", Kernel{ABI: 7, Errata: fixed, Yama: 2}, []string{"allow-fs-write=/tmp"}, "target-memory"},
		{"Yama 1", Kernel{ABI: 7, Errata: fixed, Yama: 1}, []string{"allow-fs-write=/tmp"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := facts(t, c.flags...)
			f.Kernel = c.kernel
			_, err := NewPlan(f)
			var gaps *GapError
			var names []string
			if errors.As(err, &gaps) {
				for _, g := range gaps.Gaps {
					names = append(names, g.Name)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("gaps %q, want %q", got, c.want)
			}
			f.Options.Tolerate = names
			p, err := NewPlan(f)
			if err != nil || len(p.Accepted) != len(names) {
				t.Errorf("tolerated: %v, accepted %v", err, p.Accepted)
			}
			for _, n := range names {
				if !slices.Contains(GapNames, n) {
					t.Errorf("--tolerate does not know %s", n)
				}
			}
			if c.kernel.Landlock == landlock.Works && p.Handled.FS&^c.kernel.Rights().FS != 0 {
				t.Errorf("handles rights that the kernel does not know: %s", p.Handled.FS)
			}
		})
	}
}

func TestKernelFilesNeedToleranceAsRoot(t *testing.T) {
	for uid, want := range map[int]bool{0: true, 1000: false} {
		f := facts(t, "allow-fs-write=/proc/sys")
		f.UID = uid
		f.Grants[0].Kernel = []string{"/proc/sys"}
		_, err := NewPlan(f)
		var gaps *GapError
		if got := errors.As(err, &gaps); got != want {
			t.Errorf("uid %d: %v", uid, err)
		}
	}
}

func TestDirectOrSupervised(t *testing.T) {
	for _, c := range []struct {
		name       string
		flags      []string
		uid        int
		static     bool
		abi        int
		supervised bool
	}{
		{"dynamic", nil, 1000, false, 7, true},
		{"static", nil, 1000, true, 7, false},
		{"static on Linux 5.13", nil, 1000, true, 1, false},
		{"static with children", []string{"allow-child-process"}, 1000, true, 7, true},
		{"addons", []string{"allow-addons"}, 1000, false, 7, false},
		{"listed addons", []string{"allow-addons=/x"}, 1000, false, 7, true},
		{"addons and children", []string{"allow-addons", "allow-child-process"}, 1000, false, 7, false},
		{"addons and a program list", []string{"allow-addons", "allow-child-process=/bin/true"}, 1000, false, 7, true},
		{"addons and everything written", []string{"allow-addons", "allow-fs-write=*"}, 1000, false, 7, false},
		{"the same as root", []string{"allow-addons", "allow-fs-write=*"}, 0, false, 7, true},
		{"addons and something written", []string{"allow-addons", "allow-fs-write=/tmp"}, 1000, false, 7, true},
		{"addons and net", []string{"allow-addons", "allow-net"}, 1000, false, 7, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := facts(t, c.flags...)
			f.UID, f.Closure.Static, f.Kernel.ABI = c.uid, c.static, c.abi
			f.Options.Tolerate = GapNames
			p, err := NewPlan(f)
			if err != nil {
				t.Fatal(err)
			}
			if p.Supervised() != c.supervised {
				t.Errorf("supervised %v: %q", p.Supervised(), p.Reasons)
			}
			if !p.Supervised() {
				for s, v := range p.Choice {
					if v == seccomp.Notify && seccomp.Slot(s) != seccomp.Exec {
						t.Errorf("slot %d asks a supervisor that is not there", s)
					}
				}
			}
			if p.notifies() && p.Choice[seccomp.Listener] != seccomp.Deny {
				t.Error("the target may bring a listener of its own")
			}
		})
	}
}

// TestRulesOfOnePath: several grants of a path make one rule, which may only fail to find
// it where none of them names it.
func TestRulesOfOnePath(t *testing.T) {
	grant := func(scope policy.Scope, kind policy.Kind) Resolved {
		return Resolved{Grant: policy.Grant{Scope: scope, Pattern: policy.Pattern{Kind: kind}}, Paths: []string{"/f"}}
	}
	found, named := grant(policy.FSRead, policy.Prefix), grant(policy.FSWrite, policy.Path)
	for _, c := range []struct {
		grants []Resolved
		found  bool
		access landlock.Access
	}{
		{[]Resolved{found}, true, landlock.Read},
		{[]Resolved{found, grant(policy.FSWrite, policy.Glob)}, true, landlock.Read | landlock.Write},
		{[]Resolved{named}, false, landlock.Write},
		{[]Resolved{found, named}, false, landlock.Read | landlock.Write},
		{[]Resolved{named, found}, false, landlock.Read | landlock.Write},
	} {
		f := facts(t)
		f.Closure.Files, f.Grants = nil, c.grants
		want := landlock.Rule{Path: "/f", Access: c.access, Found: c.found}
		if got := rules(f); len(got) != 1 || got[0] != want {
			t.Errorf("%v make %v, want %v", c.grants, got, want)
		}
	}
}

// TestUsualChoices: the launches that are made most often have programs of their own.
func TestUsualChoices(t *testing.T) {
	for static, want := range map[bool]seccomp.Choice{true: seccomp.Direct(), false: seccomp.Supervised()} {
		for _, uid := range []int{0, 1000} {
			f := facts(t)
			f.Closure.Static, f.UID = static, uid
			p, err := NewPlan(f)
			if err != nil || p.Supervised() == static || p.Choice != want {
				t.Errorf("a launch without grants chooses %v, not %v (static %v, uid %d, %v, %v)", p.Choice, want, static, uid, p.Reasons, err)
			}
		}
	}
}

func TestChoices(t *testing.T) {
	const d, a, n = seccomp.Deny, seccomp.Allow, seccomp.Notify
	type choice = map[seccomp.Slot]seccomp.Verdict
	for _, c := range []struct {
		flags string
		uid   int
		want  choice
	}{
		{"", 1000, choice{seccomp.Child: n, seccomp.Thread: n, seccomp.Shared: n, seccomp.Exec: n, seccomp.ExecAt: n, seccomp.MapExec: n, seccomp.Metadata: n, seccomp.Openat2: n, seccomp.Start: a, seccomp.Net: n, seccomp.Inspect: n, seccomp.Listener: d, seccomp.Memfd: a, seccomp.OpenRead: a, seccomp.OpenWrite: a, seccomp.Change: a, seccomp.Truncate: a}},
		{"allow-child-process", 1000, choice{seccomp.Child: a, seccomp.Exec: a, seccomp.ExecAt: a, seccomp.Shared: n, seccomp.Thread: n}},
		{"allow-worker", 1000, choice{seccomp.Thread: a, seccomp.Shared: n, seccomp.Child: n}},
		{"allow-child-process allow-worker", 1000, choice{seccomp.Thread: a, seccomp.Shared: a, seccomp.Child: a}},
		{"allow-child-process=/bin/true allow-addons", 1000, choice{seccomp.Memfd: n, seccomp.MapExec: n, seccomp.Start: n, seccomp.Exec: a}},
		{"allow-addons", 1000, choice{seccomp.MapExec: a}},
		{"allow-fs-write=/tmp", 1000, choice{seccomp.Metadata: n, seccomp.Openat2: n, seccomp.OpenWrite: a, seccomp.Change: a}},
		{"allow-fs-write=*", 1000, choice{seccomp.Metadata: a, seccomp.Openat2: n}},
		{"allow-fs-write=*", 0, choice{seccomp.Metadata: n, seccomp.Openat2: n, seccomp.OpenWrite: a, seccomp.Change: a}},
		{"allow-fs-write=/none", 1000, choice{seccomp.OpenRead: a, seccomp.OpenWrite: n, seccomp.Change: n, seccomp.Truncate: n}},
		{"allow-fs-read=/none", 1000, choice{seccomp.OpenRead: n, seccomp.OpenWrite: n, seccomp.Change: a, seccomp.Truncate: n}},
		{"allow-fs-read=/tmp", 1000, choice{seccomp.OpenRead: a, seccomp.OpenWrite: a}},
		{"onerror=exit", 1000, choice{seccomp.OpenRead: n, seccomp.OpenWrite: n, seccomp.Change: n, seccomp.Exec: n, seccomp.Listener: d}},
		{"onerror=exit allow-fs-read=*", 1000, choice{seccomp.OpenRead: a, seccomp.OpenWrite: n}},
		{"onerror=log allow-child-process allow-fs-write=*", 1000, choice{seccomp.OpenRead: n, seccomp.Change: a, seccomp.Exec: n, seccomp.Child: a}},
		{"allow-net", 1000, choice{seccomp.Net: a}},
		{"allow-inspector", 1000, choice{seccomp.Inspect: a}},
		{"allow-addons allow-child-process", 1000, choice{seccomp.Listener: a, seccomp.Net: d, seccomp.Openat2: d, seccomp.Metadata: d}},
	} {
		words := strings.Fields(c.flags)
		onerror := policy.Throw
		if name, ok := strings.CutPrefix(firstOf(words), "onerror="); ok {
			onerror, _ = policy.ParseOnError(name)
			words = words[1:]
		}
		f := facts(t, words...)
		f.UID, f.Policy.OnError = c.uid, onerror
		for _, g := range f.Policy.Grants {
			if g.Pattern.Path == "/none" {
				f.Grants = append(f.Grants, Resolved{Grant: g, Names: []Name{{}}})
			}
		}
		p, err := NewPlan(f)
		if err != nil {
			t.Fatal(err)
		}
		for slot, want := range c.want {
			if got := p.Choice[slot]; got != want {
				t.Errorf("%q uid %d: slot %d is %d, want %d", c.flags, c.uid, slot, got, want)
			}
		}
	}
}

func firstOf(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

func TestRules(t *testing.T) {
	access := func(flags ...string) map[string]landlock.Access {
		p, err := NewPlan(facts(t, flags...))
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]landlock.Access{}
		for _, r := range p.Rules {
			if _, twice := m[r.Path]; twice {
				t.Errorf("two rules for %s", r.Path)
			}
			m[r.Path] = r.Access
		}
		return m
	}
	got := access("allow-fs-read=/r", "allow-fs-write=/w", "allow-fs-read=/both", "allow-fs-write=/both")
	for path, want := range map[string]landlock.Access{
		"/r": landlock.Read, "/w": landlock.Write, "/both": landlock.Read | landlock.Write,
		"/bin/x": landlock.ReadFile | landlock.Execute, "/dev/null": landlock.ReadFile | landlock.WriteFile,
		"/dev/pts/1": landlock.ReadFile | landlock.WriteFile | landlock.TerminalIoctl, "/usr/share/zoneinfo": landlock.Read,
	} {
		if got[path] != want {
			t.Errorf("%s gets %s, want %s", path, got[path], want)
		}
	}
	if a := access("allow-fs-read=/r", "allow-child-process")["/r"]; a&landlock.Execute == 0 {
		t.Error("with every program granted what is readable cannot be executed")
	}
	if a := access("allow-fs-read=/r", "allow-child-process=/bin/true"); a["/r"]&landlock.Execute != 0 || a["/bin/true"]&landlock.Execute == 0 {
		t.Error("a program list does not decide what is executed")
	}
}

func TestNewPlanKnowsEveryCapability(t *testing.T) {
	for _, c := range policy.Capabilities {
		flag := c.Flag
		if c.Value == policy.Patterns {
			flag += "=/tmp"
		}
		before, err := NewPlan(facts(t))
		if err != nil {
			t.Fatal(err)
		}
		f := facts(t, flag)
		f.Env = []string{"SECRET=1"}
		after, err := NewPlan(f)
		if err != nil {
			t.Errorf("NewPlan(%s) = %v", c.Scope, err)
			continue
		}
		if before.Choice == after.Choice && len(before.Rules) == len(after.Rules) && len(after.Removed) > 0 {
			t.Errorf("%s changes nothing in the plan", c.Scope)
		}
	}
}

func TestRefusals(t *testing.T) {
	f := facts(t)
	f.Closure.Threads = "node"
	if _, err := NewPlan(f); err == nil || err.Error() != "node cannot run without threads: add --allow-worker" {
		t.Errorf("node without threads: %v", err)
	}
	f.Policy = granted(t, "allow-worker")
	if _, err := NewPlan(f); err != nil {
		t.Errorf("node with threads: %v", err)
	}
	f = facts(t)
	f.Stdio[1].Socket = true
	if _, err := NewPlan(f); err == nil || !strings.Contains(err.Error(), "descriptor 1 is a socket") {
		t.Errorf("a datagram socket: %v", err)
	}
	f = facts(t, "allow-child-process=/bin/true")
	f.Stdio[0].Anonymous = true
	if _, err := NewPlan(f); err == nil || !strings.Contains(err.Error(), "descriptor 0 is an executable file") {
		t.Errorf("an executable memfd under a program list: %v", err)
	}
	for name, p := range map[string]policy.Policy{
		"process":  {Process: &policy.Process{User: "nobody"}},
		"net rule": granted(t, "allow-net=localhost:80"),
	} {
		f := facts(t)
		f.Policy = p
		var u *UnservedError
		if _, err := NewPlan(f); !errors.As(err, &u) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
