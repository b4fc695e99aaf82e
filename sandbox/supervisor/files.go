package supervisor

import (
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"sandrun/policy"
)

// Rights is what can be done with a file.
type Rights uint8

// The rights.
const (
	Read    Rights = 1 << iota // open for reading, list
	Write                      // create, write, remove, rename, link
	Execute                    // only ever held by the kernel: an exec cannot be done on behalf
)

// An ID names a file whatever its path.
type ID struct{ Dev, Ino uint64 }

// A Name is an area of names that the supervisor serves, because no kernel rule
// can be put on what does not exist yet.
type Name struct {
	Area   policy.Area
	Rights Rights
	Kernel bool // the grant names a path inside a kernel file system
}

// Files is what the target may do with which files: what kernel rules hold, and
// what only the supervisor can give.
type Files struct {
	Dirs   map[string]Rights // kernel rules on directories, by path
	Inodes map[ID]Held       // kernel rules on other files
	Exact  map[string]Name   // names of single files
	Areas  []Name            // all other names
}

// A Held file has a kernel rule. The rule is on the inode, and it ends with that,
// but the number of the inode may be given to another file then. So a number alone
// decides nothing that the kernel does not decide again.
type Held struct {
	Rights Rights
	Path   string // at the launch
}

// An answer says who can give what is wanted.
type answer uint8

const (
	denied   answer = iota // nobody
	byKernel               // kernel rules: the call can go on
	onBehalf               // the supervisor, by doing it
)

// judge answers for a file at a path, absolute and without symbolic links. The id
// is zero where there is no file. missing is what nobody grants.
func (f *Files) judge(p string, id ID, isDir bool, want Rights) (a answer, missing Rights) {
	held := f.held(p, id, isDir)
	if want&^held == 0 {
		return byKernel, 0
	}
	missing = want &^ (held | f.named(p))
	if missing != 0 {
		return denied, missing
	}
	return onBehalf, 0
}

// held is what kernel rules give for a file.
func (f *Files) held(p string, id ID, isDir bool) (r Rights) {
	if id != (ID{}) {
		r = f.Inodes[id].Rights
	}
	dir := p
	if !isDir {
		dir = path.Dir(p)
	}
	for {
		r |= f.Dirs[dir]
		if dir == "/" || dir == "." {
			return r
		}
		dir = path.Dir(dir)
	}
}

// named is what the names that the supervisor serves give for a path.
func (f *Files) named(p string) (r Rights) {
	r = f.Exact[p].Rights
	for i := range f.Areas {
		if n := &f.Areas[i]; n.Rights&^r != 0 && n.Area.Covers(p) {
			r |= n.Rights
		}
	}
	return r
}

// namesKernelFile tells whether a grant that covers a path names something in a
// kernel file system itself.
func (f *Files) namesKernelFile(p string) bool {
	if f.Exact[p].Kernel {
		return true
	}
	for i := range f.Areas {
		if n := &f.Areas[i]; n.Kernel && n.Area.Covers(p) {
			return true
		}
	}
	return false
}

// all is everything that can be done with a file by its path.
func (f *Files) all(p string, id ID, isDir bool) Rights { return f.held(p, id, isDir) | f.named(p) }

// mayChange tells whether a path is granted for writing, whoever holds that.
func (f *Files) mayChange(p string, id ID, isDir bool) bool {
	return f.all(p, f.sure(p, id), isDir)&Write != 0
}

// sure is an id that can be relied on where the kernel does not look again: that of a
// file which still has the name that its kernel rule was made for.
func (f *Files) sure(p string, id ID) ID {
	if f.Inodes[id].Path != p {
		return ID{}
	}
	return id
}

// gains tells whether a file gets a right by being moved or linked from one path
// to another: an exec, or reading what only could be written. Of a directory it
// asks that for everything that may lie below.
func (f *Files) gains(from, to string, id ID, isDir bool) bool {
	before := f.all(from, id, isDir)
	if f.all(to, id, isDir)&^before != 0 {
		return true
	}
	return isDir && f.below(to)&^f.whole(from) != 0
}

// whole is what is granted for a directory and surely for everything below it.
func (f *Files) whole(dir string) (r Rights) {
	r = f.held(dir, ID{}, true)
	for i := range f.Areas {
		if n := &f.Areas[i]; coversBelow(n.Area) && n.Area.Covers(dir) {
			r |= n.Rights
		}
	}
	return r
}

// coversBelow tells whether an area that covers a directory covers all below it.
func coversBelow(a policy.Area) bool {
	return a.Kind != policy.AreaGlob || strings.HasSuffix(a.Path, "/**")
}

// reaches tells whether an area may cover something below a directory. Of a glob
// only its beginning without wildcards is looked at.
func reaches(a policy.Area, under string) bool {
	if a.Kind != policy.AreaGlob {
		return strings.HasPrefix(a.Path, under)
	}
	base, _ := doublestar.SplitPattern(a.Path)
	base = strings.TrimSuffix(base, "/") + "/"
	return strings.HasPrefix(base, under) || strings.HasPrefix(under, base)
}

// below is what may be granted for something below a directory, wherever rules
// and names say so.
func (f *Files) below(dir string) (r Rights) {
	under := dir + "/"
	r = f.whole(dir)
	for p, rights := range f.Dirs {
		if strings.HasPrefix(p, under) {
			r |= rights
		}
	}
	for p, n := range f.Exact {
		if strings.HasPrefix(p, under) {
			r |= n.Rights
		}
	}
	for i := range f.Areas {
		if n := &f.Areas[i]; reaches(n.Area, under) {
			r |= n.Rights
		}
	}
	return r
}
