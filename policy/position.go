package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Position is a place in a manifest. Lines end with a line feed; columns count
// the characters of the line, from 1.
type Position struct{ Line, Column int }

// A ManifestError is a place in a manifest and what is wrong there.
type ManifestError struct {
	File string
	Position
	Pointer string // JSON pointer of the value; "" is the document
	Text    string
}

// Error is "p.json:3:5: what is wrong".
func (e *ManifestError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text)
}

// A cursor turns offsets, which only grow, into positions.
type cursor struct {
	data   string
	offset int
	at     Position
}

func (c *cursor) seek(offset int) Position {
	skipped := c.data[c.offset:offset]
	if n := strings.Count(skipped, "\n"); n > 0 {
		c.at.Line += n
		c.at.Column = 1
		skipped = skipped[strings.LastIndexByte(skipped, '\n')+1:]
	}
	c.at.Column += utf8.RuneCountInString(skipped)
	c.offset = offset
	return c.at
}

// escapePointer writes a key as a part of a JSON pointer.
func escapePointer(key string) string {
	if !strings.ContainsAny(key, "~/") {
		return key
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}
