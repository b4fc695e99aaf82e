package sandbox

import (
	"path"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/closure"
	"sandrun/sandbox/landlock"
	"sandrun/sandbox/record"
	"sandrun/sandbox/seccomp"
	"sandrun/sandbox/supervisor"
)

// supervision is what the supervisor decides by.
func (p *Plan) supervision() supervisor.Rules {
	f := p.facts
	_, anyProgram := f.Policy.All(policy.Child)
	// What was granted is looked at before the target can change it; the startup
	// closure alone is only looked at when something asks.
	files := sync.OnceValue(p.files)
	if len(f.Grants) > 0 || f.watched() {
		files()
	}
	r := supervisor.Rules{
		Once: !f.Policy.Has(policy.Child), AnyExec: anyProgram, Writes: f.Policy.Has(policy.FSWrite),
		Files: files, Pins: f.Pins, KernelFile: f.Mounts.isKernel, Watch: f.watched(), OnError: f.Policy.OnError, Harmless: f.probes(),
		Denied: p.recorder(), Interrupt: interrupt,
	}
	if f.Policy.OnError == policy.Log {
		r.Notice = map[policy.Scope]bool{
			policy.Child: !f.Policy.Has(policy.Child), policy.Worker: !f.Policy.Has(policy.Worker),
		}
	}
	if p.Choice[seccomp.MapExec] == seccomp.Notify {
		r.Mapping = p.mapping()
	}
	return r
}

// mapping is who may map what executable.
func (p *Plan) mapping() *supervisor.Mapping {
	f := p.facts
	_, all := f.Policy.All(policy.Addon)
	m := &supervisor.Mapping{All: all, First: f.Closure}
	for _, g := range f.Grants {
		if g.Grant.Scope == policy.Addon {
			m.Areas = append(m.Areas, g.Areas...)
		}
	}
	if f.listed() {
		for _, c := range f.closures() {
			m.Loaders = append(m.Loaders, c.Loaders...)
		}
	}
	return m
}

// files is what the target may do with which files: what the kernel rules say, by
// path for directories and by inode for others, and the names beside.
func (p *Plan) files() *supervisor.Files {
	files := &supervisor.Files{
		Dirs: map[string]supervisor.Held{}, Inodes: map[supervisor.ID]supervisor.Held{},
		Exact: map[string]supervisor.Name{},
	}
	for _, r := range rules(p.facts) {
		var st unix.Stat_t
		if unix.Lstat(r.Path, &st) != nil {
			continue // it vanished: its kernel rule will fail as well
		}
		id := supervisor.ID{Dev: uint64(st.Dev), Ino: st.Ino}
		held := supervisor.Held{Rights: rightsOf(r.Access), Path: r.Path, ID: id}
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			files.Dirs[r.Path] = held
			continue
		}
		held.Rights |= files.Inodes[id].Rights
		files.Inodes[id] = held
	}
	for _, g := range p.facts.Grants {
		rights := map[policy.Scope]supervisor.Rights{policy.FSRead: supervisor.Read, policy.FSWrite: supervisor.Write}[g.Grant.Scope]
		if rights == 0 {
			continue
		}
		for _, n := range g.Names {
			addName(files, supervisor.Name{Area: n.Area, Rights: rights, Kernel: n.Kernel})
		}
	}
	files.Index()
	return files
}

func addName(files *supervisor.Files, n supervisor.Name) {
	if n.Area.Kind != policy.AreaFile {
		files.Areas = append(files.Areas, n)
		return
	}
	n.Rights |= files.Exact[n.Area.Path].Rights
	files.Exact[n.Area.Path] = n
}

// rightsOf says what a kernel rule gives.
func rightsOf(a landlock.Access) (r supervisor.Rights) {
	if a&landlock.ReadFile != 0 {
		r |= supervisor.Read
	}
	if a&landlock.WriteFile != 0 {
		r |= supervisor.Write
	}
	if a&landlock.Execute != 0 {
		r |= supervisor.Execute
	}
	return r
}

// Probes lists the denials that are not reported, where denials are looked for.
func (p *Plan) Probes() []supervisor.Probe {
	if !p.facts.watched() {
		return nil
	}
	return p.facts.probes()
}

// probes are the denials that nobody wants to hear of: those of every program, and
// that an interpreter looks for modules beside its script.
func (f *Facts) probes() []supervisor.Probe {
	list := supervisor.Probes
	if c := f.Closure; c != nil && c.Interpreter == "python" {
		dir := f.Dir
		if c.Script != "" {
			dir = path.Dir(c.Script)
		}
		list = append(list[:len(list):len(list)], supervisor.Probe{
			Path: dir + "/", List: true, Exe: f.executable(), Why: "python looks for modules beside the script, or in the working directory",
		})
	}
	return list
}

// executable is the program that /proc/PID/exe names when the command runs: of a
// script, its interpreter.
func (f *Facts) executable() string {
	for _, file := range f.Closure.Files {
		const program = closure.Execute | closure.Map // a script is not mapped
		if file.Access&program == program && !f.isLoader(file.Path) {
			return file.Path
		}
	}
	return ""
}

// recorder turns denials into records; nil where nobody wants them.
func (p *Plan) recorder() func(supervisor.Denial) {
	add := p.facts.Options.Record
	if add == nil {
		return nil
	}
	verdict := verdictOf(p.facts.Policy.OnError)
	return func(d supervisor.Denial) {
		r := record.Record{
			Time: time.Now(), Verdict: verdict, Scope: d.Scope, Resource: d.Resource,
			Entry: d.Entry, Call: d.Call, Errno: d.Errno, PID: d.PID, TID: d.TID, Exe: d.Exe, Code: record.AccessDenied,
			Probe: d.Probe,
		}
		if verdict == record.Logged {
			r.Errno = 0
		}
		if d.Integrity != "" {
			r.Code, r.Detail = record.BadIntegrity, d.Integrity
		}
		add(r)
	}
}

// verdictOf is what becomes of denied operations.
func verdictOf(o policy.OnError) record.Verdict {
	return [...]record.Verdict{policy.Throw: record.Denied, policy.Log: record.Logged, policy.Exit: record.Killed}[o]
}
