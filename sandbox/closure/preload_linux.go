package closure

import (
	"strings"
)

// preloadFile names libraries that the GNU loader puts into every program. It is
// the administrator's decision, and without leave to read the file the loader
// would drop it silently, so that file and libraries belong to the closure.
const preloadFile = "/etc/ld.so.preload"

// preload finds the libraries that are loaded before those that the program
// needs.
func (p *program) preload() ([]*loaded, error) {
	var names []string
	for _, variable := range []string{"LD_AUDIT", "LD_PRELOAD"} {
		if value, ok := p.env(variable); ok {
			names = append(names, strings.FieldsFunc(value, isPreloadSpace)...)
		}
	}
	if data, err := readFile(preloadFile, 64<<10); err == nil && !p.musl {
		p.files.add(File{Path: preloadFile, Access: Read, Why: "libraries for every program"})
		for line := range strings.Lines(string(data)) {
			line, _, _ = strings.Cut(line, "#")
			names = append(names, strings.FieldsFunc(line, isPreloadSpace)...)
		}
	}
	var found []*loaded
	for _, name := range names {
		if p.known.has(name) {
			continue
		}
		more, err := p.search(name, p.main)
		if err != nil {
			return nil, err
		}
		for _, o := range more {
			p.known.add(name, o)
		}
		found = append(found, more...)
	}
	return found, nil
}

func isPreloadSpace(c rune) bool {
	return c == ':' || c == ' ' || c == '\t' || c == '\n'
}
