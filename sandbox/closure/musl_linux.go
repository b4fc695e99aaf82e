package closure

import (
	"path/filepath"
	"strings"
)

// startMusl reads where musl's loader looks: a file whose place depends on the
// loader's own, or three fixed directories.
func (l *loader) startMusl(interp string) {
	l.defaults = []string{"/lib", "/usr/local/lib", "/usr/lib"}
	prefix := strings.TrimSuffix(filepath.Dir(filepath.Dir(interp)), "/")
	list := prefix + "/etc/ld-musl-" + l.machine.name + ".path"
	// Whoever wrote the program chose the prefix: a link could lead anywhere.
	if real, err := l.real(list); err != nil || real != list {
		return
	}
	data, err := readFile(list, 64<<10)
	if err != nil {
		return
	}
	l.files.add(File{Path: list, Access: Read, Why: "search path of the ELF interpreter"})
	l.defaults = strings.FieldsFunc(string(data), func(c rune) bool { return c == ':' || c == '\n' })
}

// muslNames are libraries that musl has in its loader and never looks for.
var muslNames = []string{"c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."}

func isMuslItself(name string) bool {
	rest, ok := strings.CutPrefix(name, "lib")
	if !ok {
		return strings.HasPrefix(name, "ld-musl-")
	}
	for _, n := range muslNames {
		if strings.HasPrefix(rest, n) {
			return true
		}
	}
	return false
}
