package sandbox

import "sandrun/policy"

// A Resolved is what one file grant stands for in this place, now.
type Resolved struct {
	Grant policy.Grant
	// Areas is what the grant covers, also later: what check answers by.
	Areas []policy.Area
	// Except lists the mounts of kernel file systems below the areas; a write
	// grant leaves them out.
	Except []string
	// Paths are the files and directories that kernel rules are put on. They
	// exist and have no symbolic links in them.
	Paths []string
	// Names are the areas that the supervisor serves beside: names that may get
	// a file later, or another one.
	Names []Name
	// Kernel lists paths of the grant in kernel file systems that it names
	// itself and opens for writing.
	Kernel []string
	// Proc is set where the grant names a process's entry in /proc by its number,
	// which nothing holds.
	Proc bool
	// Notes say what a reader of plan should know.
	Notes []string
}

// Covers tells whether the grant covers a path, held now or not.
func (r *Resolved) Covers(p string) bool {
	for _, m := range r.Except {
		if below(p, m) {
			return false
		}
	}
	for _, a := range r.Areas {
		if a.Covers(p) {
			return true
		}
	}
	return false
}

// A Name is an area of names that no kernel rule can hold.
type Name struct {
	Area   policy.Area
	Kernel bool // it leads into a kernel file system
}

// Holds tells whether the grant is held for a path: by a kernel rule, or by the
// supervisor.
func (r *Resolved) Holds(p string) bool {
	for _, have := range r.Paths {
		if below(p, have) {
			return true
		}
	}
	for i := range r.Names {
		if r.Names[i].Area.Covers(p) {
			return true
		}
	}
	return false
}

// Layer says what holds the grant.
func (r *Resolved) Layer() string {
	switch {
	case len(r.Names) == 0:
		return Layer(r.Grant.Scope)
	case len(r.Paths) == 0:
		return "supervisor"
	}
	return Layer(r.Grant.Scope) + " and supervisor"
}

// Later tells whether the grant covers what nothing holds: what is made directly
// in a directory that was expanded, and entries of other processes.
func (r *Resolved) Later() bool {
	for _, a := range r.Areas {
		if a.Kind == policy.AreaEverything && len(r.Except) > 0 || a.Kind != policy.AreaEverything && !r.Holds(a.Path) {
			return true
		}
	}
	return false
}
