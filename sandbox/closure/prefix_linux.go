package closure

import (
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// What an installation looks like is written by the author of the program, who
// is not trusted: a directory may be a link to somebody's home, and a program may
// be called java to have its neighbours read. So a path of an installation counts
// only if it leads into the library directories of the installation itself, or
// into those of the system; an installation outside of the system must show the
// files that make it one; and a directory where all kinds of things lie is none.

// publicTrees are where the system keeps what it installs for everybody to read.
var publicTrees = []string{
	"/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/share", "/lib", "/lib64",
	"/usr/local/lib", "/usr/local/lib64", "/usr/local/share", "/nix/store", "/gnu/store",
}

// ownTrees are the directories (and one file, of Java) of an installation that
// may be read.
var ownTrees = []string{"lib", "lib64", "share", "jre", "conf", "legal", "jmods", "release"}

// sharedTrees hold things of many kinds and owners: none is an installation.
var sharedTrees = []string{
	"/", "/bin", "/sbin", "/usr", "/usr/bin", "/usr/sbin", "/home", "/root", "/mnt", "/media", "/opt", "/srv", "/tmp",
	"/var", "/var/cache", "/var/lib", "/var/opt", "/var/tmp",
}

// machineTrees are the kernel's and the administrator's: no installation lies
// below them.
var machineTrees = []string{"/boot", "/dev", "/etc", "/proc", "/run", "/sys"}

// isSystem tells whether a prefix is shared by everything on the system.
func isSystem(prefix string) bool { return prefix == "/usr" || prefix == "/usr/local" || prefix == "/" }

// isBelow tells whether a path lies below one of some directories.
func isBelow(dirs []string, path string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return covers(dir, path) && dir != path })
}

// covers tells whether a path is a directory or lies below it.
func covers(dir, path string) bool {
	return dir == "/" || strings.HasPrefix(path, dir) && (len(path) == len(dir) || path[len(dir)] == '/')
}

// isShared tells whether a directory cannot be an installation's own.
func (l *loader) isShared(dir string) bool {
	if slices.Contains(sharedTrees, dir) || filepath.Dir(dir) == "/home" {
		return true
	}
	if slices.Contains(machineTrees, dir) || isBelow(machineTrees, dir) {
		return true
	}
	if l.home == "" {
		return false
	}
	home := filepath.Clean(absolute(l.dir, l.home))
	if real, err := l.real(home); err == nil { // a service's home need not exist
		home = real
	}
	return covers(dir, home)
}

// prefix is the installation that the executable belongs to, "" if none.
func (p *program) prefix() string { return p.prefixOf(filepath.Dir(p.exe)) }

// prefixOf is the installation that a directory of programs belongs to: its
// parent. It is "" if it cannot be one.
func (l *loader) prefixOf(bin string) string {
	real, err := l.real(bin)
	if err != nil {
		return ""
	}
	prefix, name := filepath.Dir(real), filepath.Base(real)
	switch {
	case isSystem(prefix) && (prefix != "/" || name == "bin" || name == "sbin"):
		return prefix
	case name != "bin" || l.isShared(prefix):
		return ""
	}
	return prefix
}

// holds tells whether a resolved path may be read as a part of an installation.
func holds(prefix, real string) bool {
	if isBelow(publicTrees, real) {
		return true
	}
	if prefix == "" || isSystem(prefix) || !strings.HasPrefix(real, prefix+"/") {
		return false
	}
	first, _, _ := strings.Cut(real[len(prefix)+1:], "/")
	return slices.Contains(ownTrees, first)
}

// below joins every directory with every name, and resolves those that exist and
// that the installation holds.
func (l *loader) below(prefix string, dirs []string, names ...string) (paths []string) {
	if prefix == "" {
		return nil
	}
	for _, dir := range dirs {
		for _, name := range names {
			if real, err := l.real(filepath.Join(prefix, dir, name)); err == nil && holds(prefix, real) {
				paths = append(paths, real)
			}
		}
	}
	return paths
}

// marked tells whether an installation has all of some files.
func (l *loader) marked(prefix string, files ...string) bool {
	for _, name := range files {
		l.probes++ // hostile directories could have any number of candidates
		found := l.below(prefix, []string{""}, name)
		if l.probes > maxProbes || len(found) == 0 || !isRegular(found[0]) {
			return false
		}
	}
	return true
}

func isRegular(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG
}
