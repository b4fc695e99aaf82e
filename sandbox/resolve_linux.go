package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"sandrun/policy"
)

// A Resolved is what one file grant stands for in this place, now.
type Resolved struct {
	Grant policy.Grant
	// Areas is what the grant covers, also later: what check answers by.
	Areas []policy.Area
	// Except lists the mounts of kernel file systems below the areas; a write
	// grant leaves them out.
	Except []string
	// Paths are the files and directories that kernel rules are put on. They
	// exist and have no symbolic links in them. What the grant covers beyond
	// them is not held by this version.
	Paths []string
	// Kernel lists paths of the grant in kernel file systems that it names
	// itself and opens for writing.
	Kernel []string
	// Proc is set where the grant names something below /proc, which nothing holds.
	Proc bool
	// Notes say what a reader of plan should know.
	Notes []string
}

// Covers tells whether the grant covers a path, held now or not.
func (r *Resolved) Covers(p string) bool {
	for _, m := range r.Except {
		if below(p, m) {
			return false
		}
	}
	for _, a := range r.Areas {
		if a.Covers(p) {
			return true
		}
	}
	return false
}

// Holds tells whether a kernel rule of the grant holds for a path now.
func (r *Resolved) Holds(p string) bool {
	for _, have := range r.Paths {
		if below(p, have) {
			return true
		}
	}
	return false
}

// Later tells whether the grant covers more than the kernel rules hold: files
// that do not exist yet.
func (r *Resolved) Later() bool {
	for _, a := range r.Areas {
		switch a.Kind {
		case policy.AreaPrefix, policy.AreaGlob:
			return true
		case policy.AreaEverything:
			if len(r.Except) > 0 {
				return true
			}
		default:
			if !r.Holds(a.Path) {
				return true
			}
		}
	}
	return false
}

// A resolver turns grants into what they stand for.
type resolver struct {
	mounts Mounts
	env    func(string) (string, bool)
	dir    string // the working directory
	// made are directories that a run would make; questions about it are
	// answered as if they existed.
	made map[string]bool
}

// resolve works out one grant of fs.read, fs.write or addon.
func (r *resolver) resolve(g policy.Grant) (Resolved, error) {
	out := Resolved{Grant: g}
	var err error
	switch g.Pattern.Kind {
	case policy.Everything:
		out.Areas = []policy.Area{{Kind: policy.AreaEverything}}
		out.Paths = []string{"/"}
	case policy.Path:
		err = r.path(&out, g.Pattern.Path, g.Pattern.Dir)
	case policy.Prefix:
		err = r.prefix(&out, g.Pattern.Path)
	case policy.Glob:
		err = r.glob(&out, g.Pattern.Path)
	case policy.Set:
		err = r.set(&out, g.Pattern.Path)
	}
	if err == nil && g.Scope == policy.FSWrite {
		err = r.keepKernelFiles(&out)
	}
	if err != nil {
		return out, fmt.Errorf("%s %q: %w", g.Source, g.Value, err)
	}
	return out, nil
}

// path resolves a plain path or directory. What is missing is no error: it is
// granted when it appears.
func (r *resolver) path(out *Resolved, p string, dir bool) error {
	at, err := find(p)
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		out.Notes = append(out.Notes, fmt.Sprintf("%s cannot be reached: %v", p, errors.Unwrap(err)))
		out.Areas = append(out.Areas, policy.Area{Kind: policy.AreaFile, Path: p})
		return nil
	case err != nil:
		// A component that is a file, a loop of links: nothing can appear there.
		return err
	}
	kind := policy.AreaFile
	resolved, exists, made := at.path, at.exists, r.made[at.path]
	if at.dir || !exists && dir || made {
		kind = policy.AreaTree
	}
	if exists && dir && kind == policy.AreaFile {
		return errors.New("is not a directory")
	}
	if resolved != p {
		out.Notes = append(out.Notes, fmt.Sprintf("%s is %s", p, resolved))
	}
	out.Areas = append(out.Areas, policy.Area{Kind: kind, Path: resolved})
	switch {
	case made:
		out.Notes = append(out.Notes, resolved+" does not exist: it is made at the start")
		out.Paths = append(out.Paths, resolved)
	case !exists:
		out.Notes = append(out.Notes, resolved+" does not exist")
	case r.mounts.isProc(resolved):
		out.Proc = true
		out.Notes = append(out.Notes, resolved+" is below /proc, where kernel rules do not last")
	default:
		out.Paths = append(out.Paths, resolved)
	}
	return nil
}

// prefix resolves a path that ended in a star.
func (r *resolver) prefix(out *Resolved, p string) error {
	dir, base := path.Split(p)
	at, err := find(path.Clean(dir))
	if err != nil {
		return err
	}
	real := at.path
	out.Areas = []policy.Area{{Kind: policy.AreaPrefix, Path: real + slash(real) + base}}
	if !at.exists {
		out.Notes = append(out.Notes, real+" does not exist")
		return nil
	}
	names, err := entries(real, base)
	if err != nil {
		return err
	}
	for _, name := range names {
		if found := path.Join(real, name); !r.mounts.isProc(found) {
			out.Paths = append(out.Paths, found)
		}
	}
	return nil
}

func slash(dir string) string {
	if dir == "/" {
		return ""
	}
	return "/"
}

// glob expands a glob to the files that exist. A kernel rule on a directory
// would cover what is below it, so directories get none.
func (r *resolver) glob(out *Resolved, pattern string) error {
	base, rest := doublestar.SplitPattern(pattern)
	at, err := find(path.Clean(base))
	if err != nil {
		return err
	}
	real := at.path
	area := policy.Area{Kind: policy.AreaGlob, Path: policy.EscapeGlob(real) + slash(real) + rest}
	out.Areas = []policy.Area{area}
	if !at.exists {
		out.Notes = append(out.Notes, real+" does not exist")
		return nil
	}
	// A directory that cannot be listed hides files that the caller could not
	// open for us either; they are among those that are not held.
	return doublestar.GlobWalk(os.DirFS(real), rest, func(name string, d fs.DirEntry) error {
		found := path.Join(real, name)
		if d.Type()&(fs.ModeSymlink|fs.ModeDir) == 0 && !r.mounts.isProc(found) {
			out.Paths = append(out.Paths, found)
		}
		return nil
	}, doublestar.WithNoFollow())
}

// set resolves a named set; its members that do not exist here are left out.
func (r *resolver) set(out *Resolved, name string) error {
	set, ok := policy.LookupSet(name)
	if !ok {
		return fmt.Errorf("there is no set @%s", name)
	}
	for _, e := range set {
		p, ok := e.In(r.dirs())
		if !ok {
			continue
		}
		if _, err := os.Lstat(p); err != nil {
			continue
		}
		if err := r.path(out, p, false); err != nil {
			return err
		}
	}
	return nil
}

// dirs are the directories that some sets are relative to.
func (r *resolver) dirs() policy.Dirs {
	d := policy.Dirs{Tmp: "/tmp", Work: r.dir}
	if home, ok := r.env("HOME"); ok && path.IsAbs(home) {
		d.Home = path.Clean(home)
	}
	if tmp, ok := r.env("TMPDIR"); ok && path.IsAbs(tmp) {
		d.Tmp = path.Clean(tmp)
	}
	return d
}

// keepKernelFiles takes the kernel file systems below a write grant out of it.
// Landlock cannot subtract, so a directory above one is replaced by its entries.
func (r *resolver) keepKernelFiles(out *Resolved) error {
	var paths []string
	for _, p := range out.Paths {
		if r.mounts.isKernel(p) {
			out.Kernel = append(out.Kernel, p)
		}
		inside := r.mounts.kernelBelow(p)
		if len(inside) > 0 {
			out.Notes = append(out.Notes,
				"without the kernel file systems "+strings.Join(topmost(inside), ", "),
				"nothing new can be made directly in a directory above them, such as "+p)
		}
		out.Except = append(out.Except, inside...)
		expanded, err := expand(p, inside)
		if err != nil {
			return err
		}
		paths = append(paths, expanded...)
	}
	out.Paths = paths
	return nil
}

// topmost leaves out the paths that lie below others of the list.
func topmost(paths []string) (top []string) {
	for _, p := range paths {
		inside := func(q string) bool { return q != p && below(p, q) }
		if !slices.ContainsFunc(paths, inside) && !slices.Contains(top, p) {
			top = append(top, p)
		}
	}
	return top
}

// expand returns the paths that cover a directory without the given mounts below
// it. What is created later directly in an expanded directory is not covered.
func expand(p string, mounts []string) ([]string, error) {
	if len(mounts) == 0 {
		return []string{p}, nil
	}
	names, err := entries(p, "")
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range names {
		entry := path.Join(p, name)
		var inside []string
		whole := false
		for _, m := range mounts {
			whole = whole || m == entry
			if m != entry && below(m, entry) {
				inside = append(inside, m)
			}
		}
		if whole {
			continue
		}
		more, err := expand(entry, inside)
		if err != nil {
			return nil, err
		}
		paths = append(paths, more...)
	}
	return paths, nil
}
