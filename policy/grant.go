package policy

import (
	"cmp"
	"fmt"
	"strings"
)

// A Source is the place where something was written: a flag or a position in a
// manifest. Lines and columns count from 1, columns in characters.
type Source struct {
	Flag         string // with its dashes
	File         string
	Line, Column int
}

// String is "--allow-fs-read" or "p.json:7:21".
func (s Source) String() string {
	if s.Flag != "" || s.File == "" && s.Line == 0 {
		return s.Flag
	}
	return fmt.Sprintf("%s:%d:%d", s.File, s.Line, s.Column)
}

// A Grant is one thing that is allowed, as it was written and as it was
// understood.
type Grant struct {
	Scope   Scope
	Value   string  // one element as written; "" when a bare flag or true granted all
	All     bool    // the whole scope: bare flag, true, or "*"
	Pattern Pattern // fs.read, fs.write, addon
	Program string  // child: an absolute path, or a bare name to look up in PATH
	Name    string  // env: a name, or what names begin with
	Prefix  bool    // env: Name is a beginning
	Rule    NetRule // net
	Source  Source
}

// A Warning says that something was understood in a way that may surprise.
type Warning struct {
	Source Source
	Text   string
}

// compare orders grants by what they mean; grants that mean the same are equal,
// wherever and however they were written.
func (g *Grant) compare(o *Grant) int {
	if c := cmp.Compare(rank(g.Scope), rank(o.Scope)); c != 0 {
		return c
	}
	if c := compareBool(o.All, g.All); c != 0 { // the widest first
		return c
	}
	if c := g.Pattern.compare(o.Pattern); c != 0 {
		return c
	}
	if g.Rule.Kind != 0 || o.Rule.Kind != 0 {
		return g.Rule.compare(o.Rule)
	}
	return cmp.Or(strings.Compare(g.Program, o.Program), strings.Compare(g.Name, o.Name), compareBool(g.Prefix, o.Prefix))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
