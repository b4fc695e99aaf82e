package closure

// A loaded object is one that the dynamic loader would map.
type loaded struct {
	*object
	path   string  // as it was found: $ORIGIN depends on it
	parent *loaded // what needed it: DT_RPATH is inherited from there
	access Access
}

// program is the object that everything else was loaded for.
func (o *loaded) program() *loaded {
	for o.parent != nil {
		o = o.parent
	}
	return o
}

// A scope is the set of names under which objects are known already; a library
// opened later sees those of the program too.
type scope struct {
	names map[string]bool
	outer *scope
}

func newScope(outer *scope) *scope { return &scope{map[string]bool{}, outer} }

func (s *scope) has(name string) bool {
	return s != nil && (s.names[name] || s.outer.has(name))
}

// add makes an object known, under the name that it was found by and its own.
func (s *scope) add(name string, o *loaded) {
	s.names[name] = true
	if o.soname != "" {
		s.names[o.soname] = true
	}
}
