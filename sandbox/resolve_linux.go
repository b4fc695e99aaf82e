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
	if own, ok := ownEntry(p); ok {
		r.ownPath(out, own, dir)
		return nil
	}
	at, err := find(p)
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		out.Notes = append(out.Notes, fmt.Sprintf("%s cannot be reached: %v", p, errors.Unwrap(err)))
		area := policy.Area{Kind: policy.AreaFile, Path: p}
		out.Areas = append(out.Areas, area)
		r.name(out, area)
		return nil
	case err != nil:
		// A component that is a file, a loop of links: nothing can appear there.
		return err
	}
	if at.exists && dir && !at.dir {
		return errors.New("is not a directory")
	}
	if at.path != p {
		out.Notes = append(out.Notes, fmt.Sprintf("%s is %s", p, at.path))
	}
	made := r.made[at.path]
	area := policy.Area{Kind: policy.AreaFile, Path: at.path}
	if at.dir || !at.exists && dir || made {
		area.Kind = policy.AreaTree
	}
	out.Areas = append(out.Areas, area)
	switch {
	case made:
		out.Notes = append(out.Notes, at.path+" does not exist: it is made at the start")
		out.Paths = append(out.Paths, at.path)
	case !at.exists:
		out.Notes = append(out.Notes, at.path+" does not exist yet")
		r.name(out, area)
	case r.mounts.isProc(at.path) && isProcess(at.path):
		out.Proc = true
		out.Notes = append(out.Notes, at.path+" belongs to one process, whose number may come to mean another")
	case r.mounts.isProc(at.path):
		r.name(out, area)
	default:
		out.Paths = append(out.Paths, at.path)
		if !at.dir {
			r.name(out, area)
		}
	}
	return nil
}

// name adds an area of names for the supervisor to serve.
func (r *resolver) name(out *Resolved, area policy.Area) {
	text := area.Path
	if area.Kind == policy.AreaGlob {
		text, _ = doublestar.SplitPattern(text)
	}
	out.Names = append(out.Names, Name{Area: area, Kernel: r.mounts.isKernel(path.Clean(text))})
}

// ownPath grants entries of /proc that mean the process that opens them.
func (r *resolver) ownPath(out *Resolved, own string, dir bool) {
	area := policy.Area{Kind: policy.AreaFile, Path: own}
	if st, err := os.Stat(own); dir || err == nil && st.IsDir() {
		area.Kind = policy.AreaTree
	}
	out.Areas = append(out.Areas, area)
	out.Notes = append(out.Notes, own+" is the program's own")
	r.name(out, area)
}

// prefix resolves a path that ended in a star.
func (r *resolver) prefix(out *Resolved, p string) error {
	if own, ok := ownEntry(p); ok {
		out.Areas = []policy.Area{{Kind: policy.AreaPrefix, Path: own}}
		r.name(out, out.Areas[0])
		return nil
	}
	dir, base := path.Split(p)
	at, err := find(path.Clean(dir))
	if err != nil {
		return err
	}
	real := at.path
	out.Areas = []policy.Area{{Kind: policy.AreaPrefix, Path: real + slash(real) + base}}
	r.name(out, out.Areas[0])
	if !at.exists {
		out.Notes = append(out.Notes, real+" does not exist yet")
		return nil
	}
	names, err := entries(real, base)
	if err != nil {
		return err
	}
	for _, name := range names {
		r.found(out, path.Join(real, name))
	}
	return nil
}

// found adds a kernel rule for what a pattern has found. Writing is never granted
// to a kernel file system that a pattern only happens to reach.
func (r *resolver) found(out *Resolved, p string) {
	switch {
	case r.mounts.isProc(p):
	case out.Grant.Scope == policy.FSWrite && r.mounts.isKernel(p) && !out.Names[0].Kernel:
		out.Except = append(out.Except, p)
	default:
		out.Paths = append(out.Paths, p)
	}
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
	if own, ok := ownEntry(path.Clean(base)); ok {
		out.Areas = []policy.Area{{Kind: policy.AreaGlob, Path: policy.EscapeGlob(own) + "/" + rest}}
		r.name(out, out.Areas[0])
		return nil
	}
	at, err := find(path.Clean(base))
	if err != nil {
		return err
	}
	real := at.path
	area := policy.Area{Kind: policy.AreaGlob, Path: policy.EscapeGlob(real) + slash(real) + rest}
	out.Areas = []policy.Area{area}
	r.name(out, area)
	if !at.exists {
		out.Notes = append(out.Notes, real+" does not exist yet")
		return nil
	}
	// A directory that cannot be listed hides files that the caller could not
	// open for us either; they are among those that are not held.
	return doublestar.GlobWalk(os.DirFS(real), rest, func(name string, d fs.DirEntry) error {
		found := path.Join(real, name)
		kind := d.Type()
		if !strings.ContainsAny(path.Base(rest), "*?[") { // what no listing has found was looked at through links
			if st, err := os.Lstat(found); err == nil {
				kind = st.Mode()
			}
		}
		if kind&(fs.ModeSymlink|fs.ModeDir) == 0 {
			r.found(out, found)
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
	// The files of a set are those of the launch: a set is wide, and to serve each of
	// its names would have every open of the program looked at.
	held := func(n Name) bool { return slices.Contains(out.Paths, n.Area.Path) }
	out.Names = slices.DeleteFunc(out.Names, held)
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
