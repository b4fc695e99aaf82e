package policy

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"sandrun/integrity"
)

// A Resource is a file whose content a manifest pins, or a folder in which any
// content may be loaded.
type Resource struct {
	Path      string        // absolute and clean
	Dir       bool          // the key ended in a slash
	Any       bool          // any content
	Integrity integrity.Set // else the digests that it may have
	Source    Source
}

func (r Resource) compare(o Resource) int {
	return cmp.Or(
		strings.Compare(r.Path, o.Path), compareBool(r.Dir, o.Dir),
		compareBool(r.Any, o.Any), strings.Compare(r.Integrity.String(), o.Integrity.String()),
	)
}

// Resource finds what a manifest demands of the content of a file: what it says of
// the file itself, else what it says of the nearest folder above. The path is
// absolute and clean. It looks at every resource, so that their order is nothing
// to rely on: 10,000 take some 50 µs.
func (p Policy) Resource(path string) (Resource, bool) {
	var nearest *Resource
	for i := range p.Resources {
		r := &p.Resources[i]
		if !r.Dir && r.Path == path {
			return *r, true
		}
		if r.holds(path) && (nearest == nil || len(r.Path) > len(nearest.Path)) {
			nearest = r
		}
	}
	if nearest == nil {
		return Resource{}, false
	}
	return *nearest, true
}

// holds tells whether a path lies below a folder.
func (r *Resource) holds(path string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(r.Path, "/"))
	return r.Dir && ok && len(rest) > 1 && rest[0] == '/'
}

// resources reads which contents a manifest pins. A file that is not listed is
// not checked, so a key that looks like a pattern is refused: it would pin less
// than it seems to.
func (d *decoder) resources(n node, at string) {
	if !d.expect(n, at, kindObject) {
		return
	}
	seen := make(map[string]string, len(n.members))
	for _, m := range n.members {
		pointer := at + "/" + escapePointer(m.key)
		if err := CheckResourceKey(m.key); err != nil {
			d.fail(m.at, pointer, "%v", err)
			continue
		}
		r := Resource{Path: absolute(m.key, d.dir), Dir: strings.HasSuffix(m.key, "/"), Source: d.source(node{at: m.at})}
		if other, twice := seen[r.Path]; twice {
			d.fail(m.at, pointer, "%q and %q are the same path", m.key, other)
			continue
		}
		seen[r.Path] = m.key
		d.warn(node{at: m.at}, literal(m.key, Pattern{Kind: Path, Path: r.Path}))
		if d.resource(&r, m.value, pointer) {
			d.policy.Resources = append(d.policy.Resources, r)
		}
	}
}

// CheckResourceKey says what is wrong with the key of a resource. A name without
// a folder is refused, as Node.js does: it might be meant to be looked up.
func CheckResourceKey(key string) error {
	text := ""
	switch base := path.Base(key); {
	case key == "":
		text = "the path of a resource must not be empty"
	case strings.Contains(key, "*"), strings.HasPrefix(key, globMark), key[0] == '@':
		text = "a resource is a path, or a folder with a slash at its end: it is no pattern"
	case strings.Contains(key, "://"):
		text = "a resource is a path, not a URL"
	case !strings.HasSuffix(key, "/") && (base == "." || base == ".."):
		text = fmt.Sprintf("a folder has a slash at its end: write %q", key+"/")
	case key[0] != '/' && !strings.HasPrefix(key, "./") && !strings.HasPrefix(key, "../"):
		text = fmt.Sprintf("the path of a resource begins with ./ or ../ or /: write %q", "./"+key)
	default:
		return nil
	}
	return fmt.Errorf("%q: %s", key, text)
}

// resource reads what a resource must contain.
func (d *decoder) resource(r *Resource, n node, at string) bool {
	before, found := len(d.errors), false
	d.object(n, at, map[string]field{"integrity": func(n node, at string) {
		found = true
		d.integrity(r, n, at)
	}})
	if len(d.errors) == before && !found {
		d.fail(n.at, at, `"integrity" is missing: a digest, or true for any content`)
	}
	return len(d.errors) == before
}

func (d *decoder) integrity(r *Resource, n node, at string) {
	switch {
	case n.kind == kindBool && n.text == "true":
		r.Any = true
	case r.Dir:
		d.fail(n.at, at, "a folder takes true, for any content: digests are of files")
	case n.kind != kindString:
		d.fail(n.at, at, "it must be a string of digests, or true for any content")
	default:
		set, err := integrity.Parse(n.text)
		if err != nil {
			d.fail(n.at, at, "%v", err)
		}
		r.Integrity = set
	}
}
