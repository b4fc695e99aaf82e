package policy

import (
	"cmp"
	"slices"
)

// An OnError is what happens at a denied operation.
type OnError uint8

// The reactions. The zero value is the default.
const (
	Throw OnError = iota // the operation fails
	Log                  // it is recorded and goes ahead
	Exit                 // the process tree is killed
)

// OnErrorNames are the names of the reactions, in the order of their values.
var OnErrorNames = []string{"throw", "log", "exit"}

// ParseOnError finds a reaction by its name.
func ParseOnError(name string) (OnError, bool) {
	i := slices.Index(OnErrorNames, name)
	return OnError(max(i, 0)), i >= 0
}

// String is the name of a reaction.
func (o OnError) String() string { return OnErrorNames[o] }

// A Policy is what was asked for, by flags, by a manifest or by both. Its zero
// value grants nothing.
type Policy struct {
	Grants        []Grant
	OnError       OnError
	OnErrorSource Source // zero where nothing was said
	Command       []string
	CommandSource Source
	Resources     []Resource
	Process       *Process
	File          string // the manifest, "" without one
}

// Of returns the grants of a scope.
func (p Policy) Of(s Scope) []Grant {
	var list []Grant
	for i := range p.Grants {
		if p.Grants[i].Scope == s {
			list = append(list, p.Grants[i])
		}
	}
	return list
}

// Has tells whether anything of a scope is granted.
func (p Policy) Has(s Scope) bool {
	for i := range p.Grants {
		if p.Grants[i].Scope == s {
			return true
		}
	}
	return false
}

// All returns the grant that gives the whole of a scope, if there is one.
func (p Policy) All(s Scope) (Grant, bool) {
	for i := range p.Grants {
		if p.Grants[i].Scope == s && p.Grants[i].All {
			return p.Grants[i], true
		}
	}
	return Grant{}, false
}

// Merge unites policies. Grants and resources add up, sorted, each with its first
// source; of onerror, command, process and file the first that was said counts,
// so the flags come before the manifest.
func Merge(ps ...Policy) Policy {
	var m Policy
	for _, p := range ps {
		m.Grants = append(m.Grants, p.Grants...)
		m.Resources = append(m.Resources, p.Resources...)
		if m.OnErrorSource == (Source{}) {
			m.OnError, m.OnErrorSource = p.OnError, p.OnErrorSource
		}
		if len(m.Command) == 0 {
			m.Command, m.CommandSource = p.Command, p.CommandSource
		}
		if m.Process == nil {
			m.Process = p.Process
		}
		m.File = cmp.Or(m.File, p.File)
	}
	m.Grants = sorted(m.Grants)
	slices.SortStableFunc(m.Resources, Resource.compare)
	m.Resources = slices.CompactFunc(m.Resources, func(a, b Resource) bool { return a.compare(b) == 0 })
	return m
}

// sorted returns the grants in order, of those that mean the same the first. It
// sorts pointers, because grants are large and there may be ten thousand.
func sorted(grants []Grant) []Grant {
	order := make([]*Grant, len(grants))
	for i := range grants {
		order[i] = &grants[i]
	}
	slices.SortStableFunc(order, (*Grant).compare)
	order = slices.CompactFunc(order, func(a, b *Grant) bool { return a.compare(b) == 0 })
	list := make([]Grant, len(order))
	for i, g := range order {
		list[i] = *g
	}
	return list
}
