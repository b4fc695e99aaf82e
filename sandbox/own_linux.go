package sandbox

import (
	"path"
	"strings"
)

// ownNames are the paths that mean something of whoever opens them, and where they
// lead: the supervisor serves them for the caller's own process. To resolve them
// here would find sandrun's.
var ownNames = [...]struct{ name, means string }{
	{"/proc/self", "/proc/self"},
	{"/proc/thread-self", "/proc/thread-self"},
	{"/dev/fd", "/proc/self/fd"},
	{"/dev/stdin", "/proc/self/fd/0"},
	{"/dev/stdout", "/proc/self/fd/1"},
	{"/dev/stderr", "/proc/self/fd/2"},
}

// ownEntry tells whether a path is one of them, and spells it in one way.
func ownEntry(p string) (string, bool) {
	for _, n := range ownNames {
		if below(p, n.name) {
			return path.Join(n.means, p[len(n.name):]), true
		}
	}
	return "", false
}

// isProcess tells whether a path lies in the entries of one process in /proc.
func isProcess(p string) bool {
	rest, ok := strings.CutPrefix(p, "/proc/")
	return ok && rest != "" && rest[0] >= '0' && rest[0] <= '9'
}
