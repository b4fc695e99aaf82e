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

// sorted returns the files by path, without those that a directory covers.
func (s *fileSet) sorted() []File {
	slices.SortFunc(s.list, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return slices.DeleteFunc(slices.Clone(s.list), func(f File) bool {
		covered := !f.Terminal && s.covered(f)
		if covered {
			f.release()
		}
		return covered
	})
}

// covered tells whether a directory above a file gives as much.
func (s *fileSet) covered(f File) bool {
	for dir := f.Path; ; {
		end := strings.LastIndexByte(dir, '/')
		if end <= 0 {
			return false
		}
		dir = dir[:end]
		i, ok := slices.BinarySearchFunc(s.list, dir, func(g File, path string) int { return cmp.Compare(g.Path, path) })
		if ok && s.list[i].Tree && f.Access&^s.list[i].Access == 0 {
			return true
		}
	}
}
