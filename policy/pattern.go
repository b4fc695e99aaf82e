package policy

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"strings"
)

// A Kind is what a pattern stands for.
type Kind uint8

// The kinds of patterns. The zero Kind is no pattern.
const (
	Everything Kind = iota + 1 // "*"
	Path                       // a file, or a directory and what is below it
	Prefix                     // all paths that begin with a text
	Glob                       // all paths that match a glob, and nothing below them
	Set                        // a named set of paths
)

// A Pattern names files. Links and directories are the caller's to resolve.
type Pattern struct {
	Kind Kind
	// Path is a cleaned absolute path, the text before the star, an absolute
	// glob, or the name of a set without "@".
	Path string
	// Dir is set where a trailing slash or "/*" said that Path is a directory.
	Dir bool
}

const globMark = "glob:"

// parsePattern reads a pattern. The texts say what may surprise.
func parsePattern(value, base string) (Pattern, []string, error) {
	switch {
	case value == "":
		return Pattern{}, nil, errors.New("a pattern must not be empty")
	case strings.Contains(value, "\x00"):
		return Pattern{}, nil, errZero
	case value == "*":
		return Pattern{Kind: Everything}, nil, nil
	case value[0] == '@':
		p, err := parseSet(value[1:])
		return p, nil, err
	case strings.HasPrefix(value, globMark):
		p, err := parseGlob(value[len(globMark):], base)
		return p, nil, err
	}
	p, texts := parsePath(value, base)
	return p, texts, nil
}

var errZero = errors.New("a zero byte cannot be part of it")

// parsePath reads a plain path or a path that a star ends.
func parsePath(value, base string) (Pattern, []string) {
	var p Pattern
	var texts []string
	before, after, star := strings.Cut(value, "*")
	dir, name := path.Split(before)
	switch {
	case !star:
		p = Pattern{Kind: Path, Path: absolute(value, base)}
		p.Dir = p.Path == "/" || strings.HasSuffix(value, "/")
	case name == "":
		// Everything in a directory is the directory, as in Node.
		p = Pattern{Path, absolute(dir, base), true}
	default:
		// The name is a beginning, not a step: "/a/..*" is what begins with two
		// dots in /a. So only the directory is cleaned.
		p = Pattern{Kind: Prefix, Path: child(absolute(dir, base), name)}
	}
	if after != "" {
		texts = append(texts, fmt.Sprintf("what follows the first star of %q is ignored: it grants %s (%s makes a true glob)", value, p, globMark))
	}
	if star && name == ".." {
		texts = append(texts, fmt.Sprintf("%q is not the parent directory: it grants %s", value, p))
	}
	return p, append(texts, literal(value, p)...)
}

// literal warns about text that a shell or a browser would have replaced.
func literal(value string, stands fmt.Stringer) []string {
	if strings.HasPrefix(value, "~") || strings.HasPrefix(value, "file://") || hasVariable(value) {
		return []string{fmt.Sprintf("%q is taken literally: it is %s", value, stands)}
	}
	return nil
}

// hasVariable tells whether a text has something like $HOME or ${HOME}.
func hasVariable(s string) bool {
	for i := range len(s) - 1 {
		c := s[i+1]
		if s[i] == '$' && (c == '{' || c == '_' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z') {
			return true
		}
	}
	return false
}

// absolute joins a path to the base and cleans it lexically.
func absolute(p, base string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join(base, p)
}

// child appends a name to a cleaned directory, and does not clean the name.
func child(dir, name string) string {
	if dir == "/" {
		return dir + name
	}
	return dir + "/" + name
}

// parseSet reads the name of a set.
func parseSet(name string) (Pattern, error) {
	if _, ok := LookupSet(name); ok {
		return Pattern{Kind: Set, Path: name}, nil
	}
	hint := "the sets are @" + strings.Join(SetNames(), " @") + "; a path of that name is ./@" + name
	if near := nearest(name, SetNames()); near != "" {
		hint = "did you mean @" + near + "?"
	}
	return Pattern{}, fmt.Errorf("there is no set of that name: %s", hint)
}

// String says in words what a pattern grants.
func (p Pattern) String() string {
	switch p.Kind {
	case Everything:
		return "everything"
	case Prefix:
		return "everything that begins with " + p.Path
	case Glob:
		return "what matches " + p.Path
	case Set:
		return "@" + p.Path
	}
	if p.Dir {
		return p.Path + " and everything below"
	}
	return p.Path
}

func (p Pattern) compare(o Pattern) int {
	if c := cmp.Compare(p.Kind, o.Kind); c != 0 {
		return c
	}
	if c := strings.Compare(p.Path, o.Path); c != 0 {
		return c
	}
	return compareBool(p.Dir, o.Dir)
}
