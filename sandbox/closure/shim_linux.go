package closure

import (
	"path/filepath"
	"strings"
)

// A shimStyle is how a version manager says which version is in use.
type shimStyle struct {
	marker   string // what its shims have in them
	variable string // the version, from the environment
	file     string // the version, in the working directory or above
	versions string // directory of the versions, in its root
}

var shimStyles = []shimStyle{
	{`pyenv" exec`, "PYENV_VERSION", ".python-version", "versions"},
	{`rbenv" exec`, "RBENV_VERSION", ".ruby-version", "versions"},
	{`nodenv" exec`, "NODENV_VERSION", ".node-version", "versions"},
}

// asdfMarker is in front of a plug-in's name and version in the shims of asdf.
const asdfMarker = "# asdf-plugin: "

// findShim returns the program that a version manager's shim will start, "" if
// the command is no shim, or its program cannot be told.
func findShim(l *loader, c *chain) string {
	if len(c.runs)+len(c.reads) == 0 {
		return ""
	}
	path := append(c.reads, c.runs...)[0]
	shims, name := filepath.Split(path)
	root := filepath.Dir(filepath.Clean(shims))
	if filepath.Base(shims) != "shims" {
		return ""
	}
	data, err := readFile(path, 64<<10)
	if err != nil {
		return ""
	}
	text := string(data)
	var real string
	for _, s := range shimStyles {
		if strings.Contains(text, s.marker) {
			real = filepath.Join(root, s.versions, s.version(l, root), "bin", name)
		}
	}
	if _, after, ok := strings.Cut(text, asdfMarker); ok {
		line, _, _ := strings.Cut(after, "\n")
		if words := strings.Fields(line); len(words) == 2 {
			real = filepath.Join(root, "installs", words[0], words[1], "bin", name)
		}
	}
	if real == "" || !l.exists(real) {
		return ""
	}
	return real
}

// version finds the version in use: the variable, a file in the working directory
// or above it, or the version manager's own.
func (s *shimStyle) version(l *loader, root string) string {
	if value, ok := l.env(s.variable); ok && value != "" {
		return firstVersion(value)
	}
	for dir := l.dir; ; dir = filepath.Dir(dir) {
		if data, err := readFile(filepath.Join(dir, s.file), 4096); err == nil {
			return firstVersion(string(data))
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	data, err := readFile(filepath.Join(root, "version"), 4096)
	if err != nil {
		return ""
	}
	return firstVersion(string(data))
}

// firstVersion returns the first of several versions, which is the one that
// python3 and the like come from.
func firstVersion(list string) string {
	words := strings.FieldsFunc(list, func(c rune) bool { return c == ':' || c == ' ' || c == '\n' || c == '\r' || c == '\t' })
	if len(words) == 0 || strings.HasPrefix(words[0], "/") {
		return ""
	}
	return words[0]
}
