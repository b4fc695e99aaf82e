package sandbox

import (
	"path"
	"slices"
	"strings"
)

// keepKernelFiles takes the kernel file systems below a write grant out of it.
// Landlock cannot subtract, so a directory above one is replaced by its entries.
func (r *resolver) keepKernelFiles(out *Resolved) error {
	var paths []string
	for _, n := range out.Names {
		if n.Kernel {
			out.Kernel = append(out.Kernel, n.Area.Path)
		}
	}
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
