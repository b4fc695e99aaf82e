package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"sandrun/policy"
)

// The voice is sandrun's: what goes wrong goes to stderr as "sandrun: error: ...",
// one line each, lower case, no full stop. The answer goes to stdout: a line for
// each violation, with its place. What comes from outside is escaped, so that no
// control byte reaches a terminal.

// Exit statuses, those of all commands that answer.
const (
	exitYes   = 0 // valid
	exitNo    = 1 // violations
	exitWrong = 2 // the question was wrong: usage, or a file that cannot be read
)

type reporter struct{ stdout, stderr io.Writer }

func (r reporter) say(kind, text string) {
	fmt.Fprintf(r.stderr, "sandrun: %s: %s\n", kind, escape(text))
}

// violation prints "file:line:column: /pointer: what is wrong"; the whole
// document has no pointer.
func (r reporter) violation(v *policy.ManifestError) {
	pointer := ""
	if v.Pointer != "" {
		pointer = v.Pointer + ": "
	}
	fmt.Fprintln(r.stdout, escape(fmt.Sprintf("%s:%d:%d: %s%s", v.File, v.Line, v.Column, pointer, v.Text)))
}

// escape makes control bytes, and what is not text, visible.
func escape(s string) string {
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
