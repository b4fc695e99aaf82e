//go:build linux

package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sandrun/policy"
	"sandrun/sandbox/closure"
	"sandrun/sandbox/landlock"
	"sandrun/sandbox/seccomp"
)

// A Plan is what will be enforced, and how. It is plain data, made by a pure
// function; plan and check print it and run carries it out, so they cannot
// disagree.
type Plan struct {
	Program string // what is executed, absolute
	Exec    string // the same as the target's #! line or $0 should see it
	Argv    []string
	Env     []string

	Reasons []string // why a supervisor is needed; none: a direct launch
	Rules   []landlock.Rule
	Handled landlock.Rights
	Choice  seccomp.Choice
	DenyJIT bool

	Removed  []string // variables that the target does not get
	Accepted []Gap    // gaps that --tolerate accepted
	Notes    []string // what is less than on the newest kernel, without a promise broken
	Warnings []string

	facts *Facts
}

// Supervised tells whether sandrun stays as the parent of the target.
func (p *Plan) Supervised() bool { return len(p.Reasons) > 0 }

// Facts is what the plan was made from.
func (p *Plan) Facts() *Facts { return p.facts }

// NewPlan decides how the facts are enforced. It does no input or output. An
// error is an UnservedError, a ThreadsError, a GapError, or one sentence.
func NewPlan(f *Facts) (*Plan, error) {
	p := &Plan{facts: f, DenyJIT: f.Options.DenyJIT}
	if err := unserved(f.Policy); err != nil {
		return nil, err
	}
	if c := f.Closure; c != nil {
		if c.Threads != "" && !f.Policy.Has(policy.Worker) && f.Policy.OnError != policy.Log {
			return nil, &ThreadsError{c.Threads}
		}
		if err := judgeStdio(f); err != nil {
			return nil, err
		}
		p.Program, p.Exec, p.Argv = c.Program, c.Exec, c.Argv
		p.Warnings = append(p.Warnings, c.Warnings...)
	}
	p.planEnv()
	p.Reasons = needsSupervisor(f)
	p.Choice = choose(f, p.Supervised())
	switch {
	case f.Kernel.Landlock != landlock.Works:
	case f.Policy.OnError == policy.Log: // nothing but what is out of reach always
		p.Handled = landlock.Rights{Scoped: f.Kernel.Rights().Scoped}
		if p.Handled.Scoped != 0 {
			p.Handled.FS = landlock.Refer
			p.Rules = []landlock.Rule{{Path: "/", Access: landlock.Refer}}
		}
	default:
		p.Handled = handled(f)
		p.Rules = rules(f)
	}
	p.note()
	accepted, err := settle(findGaps(f, p), f.Options.Tolerate)
	p.Accepted = accepted
	return p, err
}

// A ThreadsError says that the program cannot work without the worker grant.
type ThreadsError struct{ What string }

func (e *ThreadsError) Error() string {
	return e.What + " cannot run without threads: add --allow-worker"
}

func (p *Plan) planEnv() {
	env := p.facts.environment()
	p.Removed = env.removed
	for _, name := range env.needAddon {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s is removed: it loads code, which needs --allow-addons beside --allow-env", name))
	}
	p.Env = env.kept
	if c := p.facts.Closure; c != nil {
		p.Env = withoutLoaders(p.facts.Policy, c.Env.Apply(env.kept))
	}
}

// judgeStdio refuses descriptors through which the target would reach more than
// what they are.
func judgeStdio(f *Facts) error {
	for fd, s := range f.Stdio {
		switch {
		case s.Socket && !(s.Inet && f.Policy.Has(policy.Net)):
			return fmt.Errorf("descriptor %d is a socket that is not a connected stream: through it the program could reach any address; connect it or use a pipe", fd)
		case s.Anonymous && f.listed():
			return fmt.Errorf("descriptor %d is an executable file without a name, which no program list can exclude; use a pipe", fd)
		}
	}
	return nil
}

// note collects what a reader of the plan should know.
func (p *Plan) note() {
	f := p.facts
	if f.Kernel.Landlock == landlock.Works && p.Handled.FS&landlock.Refer == 0 {
		p.Notes = append(p.Notes, "this kernel lets nothing be renamed or linked from one directory to another (Landlock ABI 1)")
	}
	if f.Policy.Has(policy.Child) && f.named(policy.FSRead) > 0 {
		p.Notes = append(p.Notes, "files that get a granted name later can be read, but not executed")
	}
	p.Notes = append(p.Notes, replaced(f)...)
	if f.Pins != nil && f.Closure != nil {
		if open := f.notPinned(); len(open) > 0 {
			p.Notes = append(p.Notes, "started without being pinned: "+strings.Join(open, ", "))
		}
	}
	for _, pr := range f.Programs {
		if pr.Closure.Interpreter != "" {
			p.Notes = append(p.Notes, fmt.Sprintf("%s is an interpreter: it runs any script that it can read", pr.Grant.Value))
		}
	}
	for i := range f.Grants {
		g := &f.Grants[i]
		if g.Grant.Pattern == (policy.Pattern{Kind: policy.Set, Path: "tmp"}) {
			what := strings.Join(g.Paths, ", ") + " is shared with other programs"
			if len(g.Paths) == 0 {
				what = "grants nothing: the directory that TMPDIR names is not there"
			}
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s @tmp: %s", g.Grant.Source, what))
		}
		if g.Proc {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s %s is held by nothing: what belongs to one process cannot be granted by its number, but /proc/self can", g.Grant.Source, g.Grant.Value))
		}
	}
}

// notifies tells whether any call is trapped.
func (p *Plan) notifies() bool { return slices.Contains(p.Choice[:], seccomp.Notify) }

// forks tells whether the target ever gets a process beside its first.
func (p *Plan) forks() bool {
	f := p.facts
	return f.Policy.Has(policy.Child) || f.Policy.OnError == policy.Log
}

// needsSupervisor lists why a run cannot be direct.
func needsSupervisor(f *Facts) (reasons []string) {
	add := func(text string, args ...any) { reasons = append(reasons, fmt.Sprintf(text, args...)) }
	_, allAddons := f.Policy.All(policy.Addon)
	_, allWrites := f.Policy.All(policy.FSWrite)
	switch {
	case allAddons:
	case f.Policy.Has(policy.Addon):
		add("executable mappings are judged by --allow-addons=PATTERN")
	case f.Closure == nil || !f.Closure.Static || f.Policy.Has(policy.Child):
		add("executable mappings of files are judged (--allow-addons is not granted)")
	}
	if f.Policy.Has(policy.FSWrite) && (!allWrites || f.UID == 0) {
		add("metadata writes are judged by the write grants")
	}
	if f.listed() {
		add("programs are listed: an ELF interpreter started as a program must load nothing")
	}
	if named := f.named(policy.FSRead) + f.named(policy.FSWrite); named > 0 {
		add("names are granted that may get another file (%d of them)", named)
	}
	if f.Pins != nil {
		add("contents are pinned: files are verified when they are opened")
	}
	if f.watched() {
		add("denied operations are reported (%s)", f.watchedBy())
	}
	if outlivedPID(f) {
		add("the first process's pid is held until its children are killed (before Linux 6.12 they could signal whoever gets it next)")
	}
	return reasons
}

// choose answers the filter's questions.
func choose(f *Facts, supervised bool) (c seccomp.Choice) {
	allow := func(yes bool) seccomp.Verdict {
		if yes {
			return seccomp.Allow
		}
		return seccomp.Deny
	}
	child, worker := f.Policy.Has(policy.Child), f.Policy.Has(policy.Worker)
	_, allWrites := f.Policy.All(policy.FSWrite)
	_, allAddons := f.Policy.All(policy.Addon)
	writes, listed := f.Policy.Has(policy.FSWrite), f.listed()

	c[seccomp.Child] = allow(child)
	c[seccomp.Thread] = allow(worker)
	c[seccomp.Shared] = allow(child && worker)
	c[seccomp.Exec] = allow(child)
	c[seccomp.ExecAt] = allow(child)
	// A file of memfd_create belongs to no mount, so no kernel rule holds for
	// executing it.
	c[seccomp.Memfd] = allow(!listed)
	c[seccomp.MapExec] = allow(allAddons && !listed)
	if c[seccomp.MapExec] == seccomp.Deny && supervised {
		c[seccomp.MapExec] = seccomp.Notify
	}
	c[seccomp.Metadata] = allow(allWrites && f.UID != 0)
	if writes && c[seccomp.Metadata] == seccomp.Deny {
		c[seccomp.Metadata] = seccomp.Notify
	}
	// Its flags and mode are behind a pointer: they could ask for a setuid bit, or
	// for the access mode that Landlock does not judge. A supervisor serves it.
	c[seccomp.Openat2] = seccomp.Deny
	for _, s := range [...]seccomp.Slot{seccomp.OpenRead, seccomp.OpenWrite, seccomp.Truncate, seccomp.Change, seccomp.Signal, seccomp.Begin, seccomp.Hide} {
		c[s] = seccomp.Allow
	}
	c[seccomp.Start] = seccomp.Allow
	if listed {
		c[seccomp.Start] = seccomp.Notify
	}
	c[seccomp.Net] = allow(f.Policy.Has(policy.Net))
	c[seccomp.Inspect] = allow(f.Policy.Has(policy.Inspector))
	if supervised {
		serve(f, &c)
	}
	replace(f, &c)
	c[seccomp.Listener] = allow(!slices.Contains(c[:], seccomp.Notify))
	return c
}

// handled is what the ruleset denies unless a rule grants it.
func handled(f *Facts) landlock.Rights {
	r := f.Kernel.Rights()
	if f.Policy.Has(policy.Net) {
		r.Net = 0
	}
	return r
}

// rules lists the kernel rules, one per path, sorted.
func rules(f *Facts) []landlock.Rule {
	list := make([]landlock.Rule, 0, 64)
	_, everyProgram := f.Policy.All(policy.Child)
	for _, g := range f.Grants {
		var a landlock.Access
		switch {
		case g.Grant.Scope == policy.FSWrite:
			a = landlock.Write
		case g.Grant.Scope == policy.FSRead && everyProgram:
			a = landlock.Read | landlock.Execute
		case g.Grant.Scope == policy.FSRead:
			a = landlock.Read
		}
		kind := g.Grant.Pattern.Kind
		for _, p := range g.Paths {
			list = append(list, landlock.Rule{Path: p, Access: a, Found: kind == policy.Prefix || kind == policy.Glob})
		}
	}
	for _, c := range f.closures() {
		for _, file := range c.Files {
			list = append(list, landlock.Rule{Path: file.Path, Access: fileAccess(file), Pin: file.Pin})
		}
	}
	slices.SortFunc(list, func(a, b landlock.Rule) int { return cmp.Compare(a.Path, b.Path) })
	return slices.DeleteFunc(united(list), func(r landlock.Rule) bool { return r.Access == 0 })
}

// united makes one rule of those for one path. Only a path that nobody has named may be
// missing.
func united(sorted []landlock.Rule) []landlock.Rule {
	n := 0
	for i, r := range sorted {
		if i == 0 || r.Path != sorted[n-1].Path {
			sorted[n] = r
			n++
			continue
		}
		one := &sorted[n-1]
		one.Access |= r.Access
		one.Found = one.Found && r.Found
		one.Pin = max(one.Pin, r.Pin)
	}
	return sorted[:n]
}

// fileAccess is what a file of a closure gets.
func fileAccess(f closure.File) (a landlock.Access) {
	if f.Access&closure.Read != 0 {
		a |= landlock.ReadFile
		if f.Tree {
			a |= landlock.Read
		}
	}
	if f.Access&closure.Write != 0 {
		a |= landlock.WriteFile
	}
	if f.Access&closure.Execute != 0 {
		a |= landlock.Execute
	}
	if f.Terminal {
		a |= landlock.TerminalIoctl
	}
	return a
}
