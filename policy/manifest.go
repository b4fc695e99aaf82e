package policy

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// MaxManifest is the most bytes that a manifest can have.
const MaxManifest = 1 << 20

// ParseManifest reads a manifest. file is its name for messages, dir the
// absolute directory that relative paths start at. An error is a *ManifestError,
// the first in the document, but for a dir that is not absolute.
func ParseManifest(data []byte, file, dir string) (Policy, []Warning, error) {
	if !path.IsAbs(dir) {
		return Policy{}, nil, fmt.Errorf("base directory %q: is not absolute", dir)
	}
	d := decode(data, file, dir)
	if len(d.errors) > 0 {
		return Policy{}, nil, d.errors[0]
	}
	return d.policy, d.warnings, nil
}

// CheckManifest lists everything that is wrong with a manifest. Where the
// document is no JSON that is one error. file and dir are as in ParseManifest: it
// depends on the folder whether two keys are the same path.
func CheckManifest(data []byte, file, dir string) []*ManifestError {
	return decode(data, file, dir).errors
}

// Locate finds the value that a JSON pointer names.
func Locate(data []byte, pointer string) (Position, bool) {
	n, err := parseJSON(data)
	if err != nil || pointer != "" && pointer[0] != '/' {
		return Position{}, false
	}
	for _, part := range strings.Split(pointer, "/")[1:] {
		next, ok := n.step(part)
		if !ok {
			return Position{}, false
		}
		n = next
	}
	return n.at, true
}

// step goes from a value to the one that a part of a pointer names.
func (n node) step(part string) (node, bool) {
	for _, m := range n.members {
		if escapePointer(m.key) == part {
			return m.value, true
		}
	}
	i, err := strconv.Atoi(part)
	if err != nil || i < 0 || i >= len(n.items) {
		return node{}, false
	}
	return n.items[i], true
}

// A decoder turns a document into a policy.
type decoder struct {
	file, dir string
	policy    Policy
	warnings  []Warning
	errors    []*ManifestError
}

func decode(data []byte, file, dir string) *decoder {
	d := &decoder{file: file, dir: dir, policy: Policy{File: file}}
	if len(data) > MaxManifest {
		d.fail(Position{1, 1}, "", "the file has more than %d bytes", MaxManifest)
		return d
	}
	root, err := parseJSON(data)
	if err != nil {
		d.fail(err.at, "", "%s", err.text)
		return d
	}
	d.object(root, "", map[string]field{
		"$schema":    func(n node, at string) { d.text(n, at) },
		"onerror":    d.onError,
		"command":    d.command,
		"permission": d.permission,
		"resources":  d.resources,
		"process":    d.process,
	})
	return d
}

// A field reads the value of one key; at is its pointer.
type field func(n node, at string)

func (d *decoder) fail(p Position, pointer, format string, args ...any) {
	d.errors = append(d.errors, &ManifestError{d.file, p, pointer, fmt.Sprintf(format, args...)})
}

func (d *decoder) warn(n node, texts []string) {
	for _, text := range texts {
		d.warnings = append(d.warnings, Warning{d.source(n), text})
	}
}

func (d *decoder) source(n node) Source {
	return Source{File: d.file, Line: n.at.Line, Column: n.at.Column}
}

// expect tells whether a value has a type, and says so where not.
func (d *decoder) expect(n node, at string, k kind) bool {
	if n.kind != k {
		d.fail(n.at, at, "it must be %s, not %s", k, n.kind)
	}
	return n.kind == k
}

// object reads an object with exactly the given keys, each optional.
func (d *decoder) object(n node, at string, fields map[string]field) {
	if !d.expect(n, at, kindObject) {
		return
	}
	for _, m := range n.members {
		pointer := at + "/" + escapePointer(m.key)
		if read, ok := fields[m.key]; ok {
			read(m.value, pointer)
			continue
		}
		text := fmt.Sprintf("%q is no key here", m.key)
		if hint := suggestKey(m.key, slices.Sorted(maps.Keys(fields))); hint != "" {
			text += ": " + hint
		}
		d.fail(m.at, pointer, "%s", text)
	}
}

func (d *decoder) text(n node, at string) (string, bool) {
	return n.text, d.expect(n, at, kindString)
}

func (d *decoder) onError(n node, at string) {
	name, ok := d.text(n, at)
	if !ok {
		return
	}
	o, ok := ParseOnError(name)
	if !ok {
		d.fail(n.at, at, "%q is no value here: %s are", name, strings.Join(OnErrorNames, ", "))
		return
	}
	d.policy.OnError, d.policy.OnErrorSource = o, d.source(n)
}

// command reads the program and its arguments. A program with a slash starts at
// the manifest's folder; arguments are left alone.
func (d *decoder) command(n node, at string) {
	if !d.expect(n, at, kindArray) {
		return
	}
	if len(n.items) == 0 || n.items[0].kind == kindString && n.items[0].text == "" {
		d.fail(n.at, at, "it must begin with the name of a program")
		return
	}
	words := make([]string, len(n.items))
	for i, item := range n.items {
		words[i], _ = d.text(item, at+"/"+strconv.Itoa(i))
	}
	if strings.Contains(words[0], "/") {
		p := Pattern{Kind: Path, Path: absolute(words[0], d.dir)}
		d.warn(n.items[0], literal(words[0], p))
		words[0] = p.Path
	}
	d.policy.Command, d.policy.CommandSource = words, d.source(n)
}
