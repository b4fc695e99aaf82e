package sandbox

import (
	"errors"
	"fmt"
	"strings"

	"sandrun/policy"
	"sandrun/sandbox/closure"
)

// askProgram answers for a program that a child would execute.
func (f *Facts) askProgram(a *Answer) error {
	g, all := f.Policy.All(policy.Child)
	if all {
		a.Granted = true
		a.by(g)
		return nil
	}
	name := a.Reference
	if strings.Contains(name, "/") {
		p, err := f.resource(a)
		if err != nil {
			return err
		}
		name = p
	} else {
		a.Resource = f.findProgram(name)
	}
	for _, listed := range f.Programs {
		real, _, err := realPath(listed.Closure.Program)
		if listed.Grant.Program == a.Reference || err == nil && real == a.Resource {
			a.Granted = true
			a.by(listed.Grant)
			return nil
		}
	}
	a.Flag = "--allow-child-process"
	if f.findProgram(name) == "" {
		a.Notes = append(a.Notes, "no list can name it: "+name+" is no program that can be started")
		return nil
	}
	a.Flag += "=" + flagValue(name)
	return nil
}

// findProgram is where PATH and links lead for a name, "" where nowhere.
func (f *Facts) findProgram(name string) string {
	c, err := closure.Find(closure.Request{Command: []string{name}, Env: lookup(f.Env), Dir: f.Dir, Bare: true})
	if err != nil {
		return ""
	}
	real, _, err := realPath(c.Program)
	if err != nil {
		return ""
	}
	return real
}

// askVariable answers for a variable of the environment.
func (f *Facts) askVariable(a *Answer) error {
	name := a.Reference
	if strings.Contains(name, "=") {
		return fmt.Errorf("%q is no name of a variable", name)
	}
	a.Flag = "--allow-env=" + name
	if _, all := f.Policy.All(policy.Addon); isLoaderVariable(name) && !all {
		a.Flag += " --allow-addons"
		a.Notes = append(a.Notes, name+" loads code: it needs the addon grant too")
	}
	switch judgeVariables(f.Policy)(name) {
	case envKept:
		a.Granted = true
		a.By = "the list of variables that are always kept"
		for _, g := range f.Policy.Of(policy.Env) {
			if g.All || g.Name == name || g.Prefix && strings.HasPrefix(name, g.Name) {
				a.by(g)
			}
		}
	case envNeedsAddon:
		a.Flag = "--allow-addons"
	}
	return nil
}

// askNet answers for the network. Rules are of a later version: a question that
// only they could answer is refused.
func (f *Facts) askNet(a *Answer, c policy.Capability) error {
	rules, _, err := policy.ParseFlag(c, a.Reference, false, f.Dir)
	if err != nil {
		return err
	}
	g, all := f.Policy.All(policy.Net)
	if !all && f.Policy.Has(policy.Net) {
		return errors.New("this version cannot say what net rules grant")
	}
	a.Flag = "--allow-net"
	for _, r := range rules {
		if strings.HasPrefix(r.Value, "unix") {
			a.Flag = "--allow-net=" + r.Value
			a.Notes = append(a.Notes, "unix sockets each need a rule, which this version does not serve")
			return nil
		}
	}
	if all {
		a.Granted = true
		a.by(g)
	}
	return nil
}
