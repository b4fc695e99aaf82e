package closure

import (
	"cmp"
	"slices"
	"strings"
)

// A fileSet collects files, one entry for each path.
type fileSet struct {
	list  []File
	index map[string]int
}

func newFileSet() *fileSet {
	return &fileSet{list: make([]File, 0, 40), index: make(map[string]int, 40)}
}

// add adds a file; the first reason for a path stays.
func (s *fileSet) add(f File) {
	i, known := s.index[f.Path]
	if !known {
		s.index[f.Path] = len(s.list)
		s.list = append(s.list, f)
		return
	}
	f.release()
	old := &s.list[i]
	old.Access |= f.Access
	old.Tree = old.Tree || f.Tree
	old.Terminal = old.Terminal || f.Terminal
}

// sorted returns the files by path, without those that a directory covers. It uses the
// set up: nothing can be added any more.
func (s *fileSet) sorted() []File {
	slices.SortFunc(s.list, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	var trees []File
	for _, f := range s.list {
		if f.Tree {
			trees = append(trees, f)
		}
	}
	s.index = nil
	return slices.DeleteFunc(s.list, func(f File) bool {
		covered := !f.Terminal && slices.ContainsFunc(trees, f.isBelow)
		if covered {
			f.release()
		}
		return covered
	})
}

// isBelow tells whether a file lies below a directory that gives as much.
func (f File) isBelow(tree File) bool {
	rest, ok := strings.CutPrefix(f.Path, tree.Path)
	return ok && strings.HasPrefix(rest, "/") && f.Access&^tree.Access == 0
}
