package policy

import "strings"

// An AreaKind is the shape of an Area.
type AreaKind uint8

// The shapes of areas. The zero AreaKind covers nothing.
const (
	AreaEverything AreaKind = iota + 1
	AreaFile                // exactly Path
	AreaTree                // Path and everything below
	AreaPrefix              // everything that begins with Path
	AreaGlob                // what matches Path
)

// An Area is what a grant stands for once its pattern was resolved in one place.
type Area struct {
	Kind AreaKind
	Path string
}

// Covers tells whether a path, absolute and clean, lies in the area. It is pure
// text: links were resolved before.
func (a Area) Covers(path string) bool {
	if a.Kind == AreaEverything {
		return true
	}
	if a.Path == "" {
		return false
	}
	switch a.Kind {
	case AreaFile:
		return path == a.Path
	case AreaTree:
		rest, ok := strings.CutPrefix(path, a.Path)
		return ok && (rest == "" || rest[0] == '/' || a.Path == "/")
	case AreaPrefix:
		return strings.HasPrefix(path, a.Path)
	case AreaGlob:
		return matchGlob(a.Path, path)
	}
	return false
}
