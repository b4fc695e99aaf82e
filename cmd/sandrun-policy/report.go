package main

import (
	"fmt"
	"io"

	"sandrun/cmd/internal/voice"
	"sandrun/policy"
)

// What goes wrong goes to stderr; the answer goes to stdout, a line for each
// violation, with its place.

// Exit statuses, those of all commands that answer.
const (
	exitYes   = 0 // valid, or nothing drifted
	exitNo    = 1 // violations, or drift
	exitWrong = 2 // the question was wrong: usage, or a file that cannot be read
)

type reporter struct{ stdout, stderr io.Writer }

func (r reporter) say(kind, text string) {
	voice.Say(r.stderr, kind, text)
}

// violation prints "file:line:column: /pointer: what is wrong"; the whole
// document has no pointer.
func (r reporter) violation(v *policy.ManifestError) {
	pointer := ""
	if v.Pointer != "" {
		pointer = v.Pointer + ": "
	}
	r.line(fmt.Sprintf("%s:%d:%d: %s%s", v.File, v.Line, v.Column, pointer, v.Text))
}

// line prints one line of an answer.
func (r reporter) line(text string) { fmt.Fprintln(r.stdout, voice.Escape(text)) }
