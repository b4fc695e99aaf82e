package policy

import (
	"strings"
)

// A SetEntry is one path of a named set, and why it is in it.
type SetEntry struct {
	// Path is absolute, or begins with $HOME, $TMPDIR or $PWD, which In
	// replaces.
	Path string
	Why  string
}

// Dirs are the directories that only the caller knows; "" means that there is
// none.
type Dirs struct{ Home, Tmp, Work string }

// In returns the path of an entry in one place. There is none where the place
// lacks the directory.
func (e SetEntry) In(d Dirs) (string, bool) {
	if strings.HasPrefix(e.Path, "/") {
		return e.Path, true
	}
	word, rest, _ := strings.Cut(e.Path, "/")
	dir := map[string]string{"$HOME": d.Home, "$TMPDIR": d.Tmp, "$PWD": d.Work}[word]
	return absolute(rest, dir), dir != ""
}

// Dynamic tells whether the path depends on the place.
func (e SetEntry) Dynamic() bool { return strings.HasPrefix(e.Path, "$") }

// LookupSet returns the paths of a named set; the name is without "@".
func LookupSet(name string) ([]SetEntry, bool) {
	for _, s := range sets {
		if s.name == name {
			return s.entries, true
		}
	}
	return nil, false
}

// SetNames lists the named sets, without "@".
func SetNames() []string {
	names := make([]string, len(sets))
	for i, s := range sets {
		names[i] = s.name
	}
	return names
}
