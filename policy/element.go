package policy

import (
	"errors"
	"fmt"
	"strings"
)

// whole is the grant of a whole scope.
func (c Capability) whole() Grant {
	g := Grant{Scope: c.Scope, All: true}
	if c.Value == Patterns || c.Value == OptionalPatterns {
		g.Pattern.Kind = Everything
	}
	return g
}

// parse reads one element of a flag or of a manifest's array.
func (c Capability) parse(value, base string) (g Grant, texts []string, err error) {
	g = Grant{Scope: c.Scope, Value: value}
	switch c.Value {
	case Patterns, OptionalPatterns:
		g.Pattern, texts, err = parsePattern(value, base)
		g.All = g.Pattern.Kind == Everything
	case OptionalPrograms:
		g.Program, texts, err = parseProgram(value, base)
	case OptionalRules:
		g.Rule, texts, err = parseRule(value, base)
	case OptionalNames:
		g.Name, g.Prefix, err = parseName(value)
		g.All = value == "*"
	case Switch:
		err = errors.New("it is granted or not as a whole: true or false")
	}
	if err != nil {
		return Grant{}, nil, fmt.Errorf("%q: %w", value, err)
	}
	return g, texts, nil
}

// parseProgram reads the path of a program, or a name to look up in PATH.
func parseProgram(value, base string) (string, []string, error) {
	var err error
	switch {
	case value == "":
		err = errors.New("the name of a program must not be empty")
	case strings.Contains(value, "\x00"):
		err = errZero
	case value == "*":
		err = errors.New("leave the value out (in a manifest: true) to allow every program")
	case strings.Contains(value, "*"), strings.HasPrefix(value, globMark), value[0] == '@':
		err = errors.New("a program is named exactly: it is no pattern")
	case strings.HasSuffix(value, "/"), value == ".", value == "..":
		err = errors.New("it is a directory, not a program")
	}
	if err != nil || !strings.Contains(value, "/") {
		return value, nil, err
	}
	p := Pattern{Kind: Path, Path: absolute(value, base)}
	return p.Path, literal(value, p), nil
}

// parseName reads the name of a variable, or the beginning of names.
func parseName(value string) (name string, prefix bool, err error) {
	name, prefix = strings.CutSuffix(value, "*")
	switch {
	case value == "":
		err = errors.New("the name of a variable must not be empty")
	case strings.Contains(name, "\x00"):
		err = errZero
	case strings.Contains(name, "="):
		err = errors.New("a variable is named without a value: leave out what begins with =")
	case strings.Contains(name, "*"):
		err = errors.New("a star can only end a name")
	case value == "*":
		return "", false, nil
	}
	return name, prefix, err
}
