package policy

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
)

// maxAlternatives bounds what the braces of one glob multiply to, because each
// alternative is tried for each path.
const maxAlternatives = 1000

// parseGlob reads what follows "glob:". Every part between two slashes stands
// for itself, so that matching a path and walking the disk cannot disagree.
func parseGlob(glob, base string) (Pattern, error) {
	if glob == "" {
		return Pattern{}, errors.New("a glob must not be empty")
	}
	if !path.IsAbs(glob) {
		glob = EscapeGlob(base) + "/" + glob
	}
	if !isText(glob) {
		return Pattern{}, errors.New("a glob must be UTF-8, and so must the directory that it starts in")
	}
	if strings.HasSuffix(glob, "/") {
		return Pattern{}, errors.New("a glob names files and directories alike: leave the trailing slash out")
	}
	if err := checkGlob(glob); err != nil {
		return Pattern{}, err
	}
	clean, err := cleanGlob(glob)
	if err != nil {
		return Pattern{}, err
	}
	return Pattern{Kind: Glob, Path: clean}, nil
}

// isText tells whether a glob can be compared byte for byte: the matcher works
// on runes, and takes each broken byte for U+FFFD.
func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsRune(s, utf8.RuneError)
}

// checkGlob validates the syntax of a glob and refuses what has two meanings.
func checkGlob(glob string) error {
	if !doublestar.ValidatePattern(glob) {
		hint := ""
		if strings.Contains(glob, "{") {
			hint = `; in a flag, write \, for a comma inside {}`
		}
		return fmt.Errorf("it is not a valid glob: look for an unclosed [ or { or a lone backslash%s", hint)
	}
	for i := 0; i < len(glob); i++ {
		switch glob[i] {
		case '\\':
			i++
			if glob[i] == '/' {
				return errors.New("a slash in a glob cannot be escaped")
			}
		case '[':
			n := classLength(glob[i:])
			if strings.Contains(glob[i:i+n], "/") {
				return errors.New("a slash cannot be part of [...] in a glob")
			}
			i += n - 1
		case '*':
			if err := checkStars(glob, i); err != nil {
				return err
			}
			if strings.HasPrefix(glob[i:], "**") {
				i++
			}
		}
	}
	n, err := alternatives(glob)
	if err == nil && n > maxAlternatives {
		err = fmt.Errorf("the braces of a glob stand for more than %d alternatives", maxAlternatives)
	}
	return err
}

// classLength is the length of the character class that a valid glob begins with.
func classLength(glob string) int {
	for i := 1; i < len(glob); i++ {
		switch glob[i] {
		case '\\':
			i++
		case ']':
			return i + 1
		}
	}
	return len(glob)
}

// checkStars refuses two stars that are not a whole part: some matchers take them
// for one star and some for many parts.
func checkStars(glob string, i int) error {
	if !strings.HasPrefix(glob[i:], "**") {
		return nil
	}
	end := i + 2
	if glob[i-1] != '/' || end < len(glob) && glob[end] != '/' {
		return errors.New("** in a glob stands alone between slashes")
	}
	return nil
}

// alternatives counts what the braces of a valid glob multiply to, up to just
// above the bound, and refuses slashes inside them.
func alternatives(glob string) (int, error) {
	type group struct{ sum, product int }
	stack := []group{{0, 1}}
	for i := 0; i < len(glob); i++ {
		top := &stack[len(stack)-1]
		switch c := glob[i]; {
		case c == '\\':
			i++
		case c == '[':
			i += classLength(glob[i:]) - 1
		case c == '{':
			stack = append(stack, group{0, 1})
		case len(stack) == 1:
		case c == '/':
			return 0, errors.New("a slash cannot be part of {...} in a glob: write one glob for each")
		case c == ',':
			top.sum, top.product = min(top.sum+top.product, maxAlternatives+1), 1
		case c == '}':
			n := min(top.sum+top.product, maxAlternatives+1)
			stack = stack[:len(stack)-1]
			below := &stack[len(stack)-1]
			below.product = min(below.product*n, maxAlternatives+1)
		}
	}
	return stack[0].product, nil
}

// cleanGlob cleans a glob that begins with a slash. A step up is only known
// where what it leaves is a plain name.
func cleanGlob(glob string) (string, error) {
	var parts []string
	magic := false
	for part := range strings.SplitSeq(glob[1:], "/") {
		switch part {
		case "", ".":
		case "..":
			if magic {
				return "", errors.New(".. cannot follow a wildcard in a glob")
			}
			parts = parts[:max(0, len(parts)-1)]
		default:
			magic = magic || isMagic(part)
			parts = append(parts, part)
		}
	}
	return "/" + strings.Join(parts, "/"), nil
}

// isMagic tells whether a part of a glob can match more than one name.
func isMagic(part string) bool {
	for i := 0; i < len(part); i++ {
		switch part[i] {
		case '\\':
			i++
		case '*', '?', '[', '{':
			return true
		}
	}
	return false
}

const globCharacters = `*?[]{}\`

// EscapeGlob makes a plain path into a glob that matches exactly that path.
func EscapeGlob(p string) string {
	if !strings.ContainsAny(p, globCharacters) {
		return p
	}
	var b strings.Builder
	for i := range len(p) {
		if strings.IndexByte(globCharacters, p[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

// matchGlob tells whether a clean absolute path matches a glob that parseGlob
// made. It works part by part, because the library's classes can match a slash.
// The work is bounded: only the last "**" is ever tried again.
func matchGlob(glob, name string) bool {
	if !isText(glob) {
		return false
	}
	if name == "/" {
		name = "" // the root has no parts
	}
	var again, from string // where the last "**" continues
	many := false
	for name != "" {
		want, globRest := cutPart(glob)
		if want == "**" {
			again, from, many = globRest, name, true
			glob = globRest
			continue
		}
		part, nameRest := cutPart(name)
		switch {
		case glob != "" && doublestar.MatchUnvalidated(want, part):
			glob, name = globRest, nameRest
		case !many:
			return false
		default:
			_, from = cutPart(from)
			glob, name = again, from
		}
	}
	for glob != "" {
		want, rest := cutPart(glob)
		if want != "**" {
			return false
		}
		glob = rest
	}
	return true
}

// cutPart cuts the first part off a path that begins with a slash.
func cutPart(p string) (part, rest string) {
	if p == "" {
		return "", ""
	}
	end := strings.IndexByte(p[1:], '/')
	if end < 0 {
		return p[1:], ""
	}
	return p[1 : end+1], p[end+1:]
}
