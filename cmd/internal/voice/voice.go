// Package voice is how sandrun's programs speak: "sandrun: error: ...",
// "sandrun: warning: ...", "sandrun: hint: ...", one line each, lower case, no full
// stop; what and where, then what to do. Everything that comes from outside is
// escaped, so that no control byte reaches a terminal.
package voice

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Say writes one line. The kind is "error", "warning" or "hint".
func Say(w io.Writer, kind, text string) {
	fmt.Fprintf(w, "sandrun: %s: %s\n", kind, Escape(text))
}

// Escape makes control bytes, and what is not text, visible.
func Escape(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if (r == utf8.RuneError && size == 1) || !unicode.IsPrint(r) {
			quoted := strconv.QuoteToASCII(s[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}
