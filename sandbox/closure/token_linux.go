package closure

import (
	"path/filepath"
	"strings"
)

// expand carries out $ORIGIN, $LIB and $PLATFORM. What the last two are is
// compiled into the loader, so that there can be several answers.
func (l *loader) expand(path string, of *loaded) []string {
	if !strings.Contains(path, "$") {
		return []string{path}
	}
	path = replaceToken(path, "ORIGIN", filepath.Dir(of.path))
	paths := []string{path}
	for _, token := range []struct {
		name   string
		values []string
	}{{"LIB", l.machine.lib}, {"PLATFORM", l.machine.platform}} {
		var next []string
		for _, p := range paths {
			if replaceToken(p, token.name, "") == p {
				next = append(next, p)
				continue
			}
			for _, v := range token.values {
				next = append(next, replaceToken(p, token.name, v))
			}
		}
		paths = next
	}
	return paths
}

// replaceToken replaces $NAME and ${NAME}; $NAMES is another name.
func replaceToken(path, name, value string) string {
	path = strings.ReplaceAll(path, "${"+name+"}", value)
	var out strings.Builder
	for {
		before, after, found := strings.Cut(path, "$"+name)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		if after != "" && isNameByte(after[0]) {
			out.WriteString("$" + name)
		} else {
			out.WriteString(value)
		}
		path = after
	}
}

func isNameByte(c byte) bool {
	return c == '_' || isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z'
}
