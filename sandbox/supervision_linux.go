package sandbox

import (
	"sandrun/policy"
	"sandrun/sandbox/seccomp"
	"sandrun/sandbox/supervisor"
)

// supervision is what the supervisor decides by.
func (p *Plan) supervision() supervisor.Rules {
	f := p.facts
	var write []supervisor.Writable
	var addons []policy.Area
	for _, g := range f.Grants {
		switch g.Grant.Scope {
		case policy.FSWrite:
			for _, a := range g.Areas {
				write = append(write, supervisor.Writable{Area: a, Except: g.Except})
			}
		case policy.Addon:
			addons = append(addons, g.Areas...)
		}
	}
	r := supervisor.Rules{Once: p.Choice[seccomp.Exec] == seccomp.Notify}
	if p.Choice[seccomp.Metadata] == seccomp.Notify {
		r.Metadata = &supervisor.Metadata{Write: write}
	}
	if p.Choice[seccomp.MapExec] == seccomp.Notify {
		_, all := f.Policy.All(policy.Addon)
		r.Mapping = &supervisor.Mapping{All: all, Areas: addons, Write: write, First: f.Closure}
		for _, pr := range f.Programs {
			r.Mapping.Loaders = append(r.Mapping.Loaders, pr.Closure.Loaders...)
		}
		if len(f.Programs) > 0 {
			r.Mapping.Loaders = append(r.Mapping.Loaders, f.Closure.Loaders...)
		}
	}
	return r
}
