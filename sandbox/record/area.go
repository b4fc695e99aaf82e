package record

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// An area is a path that a suggestion names, and what it stands for.
type area struct {
	path   string // without a trailing slash
	files  int    // that were denied and that it includes
	dir    bool   // it is a directory
	folded bool   // it was not denied itself, or only to be made
	made   bool   // it was to be made
	entry  bool   // it is an entry of a directory and not what that leads to
	set    bool   // it is the name of a set
}

// value is the path as a pattern.
func (a area) value() string {
	if a.dir {
		return a.path + "/"
	}
	return a.path
}

// areas are found by their paths.
type areas map[string]area

// add unites an area with what is known of its path.
func (as areas) add(a area) {
	if old, ok := as[a.path]; ok {
		a = area{a.path, a.files + old.files, a.dir || old.dir, a.folded && old.folded, a.made || old.made, false, false}
	}
	as[a.path] = a
}

// addEntries adds entries that no other area includes.
func (as areas) addEntries(paths []string) {
	for _, p := range paths {
		if above, ok := as.above(p); ok {
			above.dir = true
			above.files++
			as[above.path] = above
			continue
		}
		as[p+"\x00"] = area{path: p, files: 1, entry: true} // the same path may also be granted
	}
}

// absorb takes out what lies below another area, which is a directory then and
// includes it.
func (as areas) absorb() {
	for _, p := range slices.Sorted(maps.Keys(as)) {
		if above, ok := as.above(p); ok {
			above.dir = true
			above.files += as[p].files
			as[above.path] = above
			delete(as, p)
		}
	}
}

// above finds the area above a path. What has a star is granted by a glob, which
// includes nothing below.
func (as areas) above(p string) (area, bool) {
	for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
		if a, ok := as[dir]; ok && !strings.Contains(dir, "*") {
			return a, true
		}
	}
	return area{}, false
}

// fold replaces siblings by their directory. It returns false where there are
// none that may be.
func (as areas) fold(home string) bool {
	siblings := map[string]int{}
	for p := range as {
		siblings[path.Dir(p)]++
	}
	folded := false
	for dir, n := range siblings {
		if n < minFold || !mayFold(dir, home) {
			continue
		}
		folded = true
		as.add(area{path: dir, dir: true, folded: true})
	}
	return folded // absorb does the rest
}

// mayFold tells whether a directory may stand for files in it.
func mayFold(dir, home string) bool {
	return strings.Count(dir, "/") >= minDepth && !isWide(dir, home) && !strings.Contains(dir, "*")
}

func (as areas) sorted() []area {
	return slices.SortedFunc(maps.Values(as), func(a, b area) int { return strings.Compare(a.path, b.path) })
}
