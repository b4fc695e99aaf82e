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
	Dirs   map[string]Held // kernel rules on directories, by path at the launch
	Inodes map[ID]Held     // kernel rules on other files
	Exact  map[string]Name // names of single files
	Areas  []Name          // all other names

	rules map[string]Held // those of Inodes, by path
}

// Index completes what was filled in.
func (f *Files) Index() {
	f.rules = make(map[string]Held, len(f.Inodes))
	for _, held := range f.Inodes {
		f.rules[held.Path] = held
	}
}

// names tells whether there is any name to serve.
func (f *Files) names() bool { return len(f.Exact)+len(f.Areas) > 0 }

// A Held file or directory has a kernel rule. The rule is on the inode, wherever
// that is moved, and it ends with the inode, whose number may be given to another
// file then. So neither a path nor a number alone decides anything that the kernel
// does not decide again: see place.sure.
type Held struct {
	Rights Rights
	Path   string // at the launch
	ID     ID
}

// An answer says who can give what is wanted.
type answer uint8

const (
	denied   answer = iota // nobody
	byKernel               // kernel rules: the call can go on
	onBehalf               // the supervisor, by doing it
)

// held is what kernel rules give for a file that still is where it was at the launch.
func (f *Files) held(p string, id ID, isDir bool) (r Rights) {
	if id != (ID{}) {
		r = f.Inodes[id].Rights
	}
	dir := p
	if !isDir {
		dir = path.Dir(p)
	}
	for {
		r |= f.Dirs[dir].Rights
		if dir == "/" || dir == "." {
			return r
		}
		dir = parent(dir)
	}
}

// ruled tells whether a kernel rule surely gives what is wanted at a path that leads
// over no link: its file or directory is still there.
func (f *Files) ruled(p string, want Rights) bool {
	if held, ok := f.rules[p]; ok && want&^held.Rights == 0 {
		return idHere(p) == held.ID
	}
	for dir := p; ; dir = parent(dir) {
		if held, ok := f.Dirs[dir]; ok && want&^held.Rights == 0 {
			return idHere(dir) == held.ID
		}
		if dir == "/" || dir == "." {
			return false
		}
	}
}

// parent is path.Dir of a clean path, without looking at all of it again: a path may
// have two thousand components.
func parent(p string) string {
	if i := strings.LastIndexByte(p, '/'); i > 0 {
		return p[:i]
	}
	return path.Dir(p)
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

// mayChange tells whether a path is granted for writing, whoever holds that. To move
// anything the target needs that very right, so the path is enough.
func (f *Files) mayChange(p string, id ID, isDir bool) bool {
	if f.Inodes[id].Path != p {
		id = ID{}
	}
	return (f.held(p, id, isDir)|f.named(p))&Write != 0
}

// whole is what may be granted for a directory and everything below it.
func (f *Files) whole(dir string) Rights { return f.held(dir, ID{}, true) | f.namedBelow(dir) }

// namedBelow is what names give for everything below a directory.
func (f *Files) namedBelow(dir string) (r Rights) {
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
	for p, held := range f.Dirs {
		if strings.HasPrefix(p, under) {
			r |= held.Rights
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
