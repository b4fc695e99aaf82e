package seccomp

// A Row says how the filter treats one system call.
type Row struct {
	Name string // the kernel's name
	Nr   uint32 // from x/sys, so that a misspelt call does not compile
	// Action holds when no case does.
	Action Action
	// Why is the reason of everything that is not simply allowed.
	Why string
	// Cases returns conditions on the arguments, in order; the first that holds
	// decides. Nil when the number alone decides.
	Cases func() []Case
}

// A Group is a set of rows that do one kind of thing.
type Group struct {
	Name string // as in "@mount"
	Help string // what its calls do
	Rows []Row
}

// A Case is an action under conditions, all of which must hold.
type Case struct {
	If   []Match
	Then Action
}

// A Match holds when the masked argument has the value. The mask is as wide as
// the kernel reads the argument: 32 bits for an int.
type Match struct {
	Arg         int
	Mask, Value uint64
}

// Holds reports whether the arguments of a call satisfy the match.
func (m Match) Holds(args *[6]uint64) bool {
	return args[m.Arg]&m.Mask == m.Value
}

// Decide returns the action for a call with these arguments.
func (r *Row) Decide(args *[6]uint64) Action {
	if r.Cases == nil {
		return r.Action
	}
next:
	for _, c := range r.Cases() {
		for _, m := range c.If {
			if !m.Holds(args) {
				continue next
			}
		}
		return c.Then
	}
	return r.Action
}

// Unknown is the action for every number that has no row.
const Unknown = enosys

// Groups returns the table of this machine's architecture. Calls of both
// architectures come first, then those that only this one has.
func Groups() []Group {
	return append(shared[:len(shared):len(shared)], native...)
}

// Lookup returns the row of a call of this machine's architecture.
func Lookup(nr int) (*Row, bool) {
	for _, t := range [...][]Group{shared, native} {
		for i := range t {
			for j := range t[i].Rows {
				if r := &t[i].Rows[j]; int(r.Nr) == nr {
					return r, true
				}
			}
		}
	}
	return nil, false
}

// Name returns the name of a call of this machine's architecture, or "" for a
// number that the table does not know.
func Name(nr int) string {
	if r, ok := Lookup(nr); ok {
		return r.Name
	}
	return ""
}
