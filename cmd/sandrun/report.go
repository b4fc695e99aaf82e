//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"sandrun/cmd/internal/voice"
	"sandrun/policy"
)

// Everything that sandrun says of itself goes to stderr, in one voice. Stdout
// belongs to the program that runs, and to the answers of check and plan.

// Exit statuses. Commands that run use the first five beside the program's own;
// commands that answer use the last three.
const (
	exitKilled     = 77  // a denial ended the program, under onerror exit
	exitFailed     = 125 // sandrun itself failed and nothing ran
	exitRefused    = 126 // the program was found but cannot be executed
	exitNotFound   = 127
	exitSignalBase = 128 // plus the number of the signal that killed the program

	exitYes   = 0
	exitNo    = 1
	exitWrong = 2 // the question was wrong
)

// stderr is where the voice speaks; tests replace it.
var stderr io.Writer = os.Stderr

func say(kind, format string, args ...any) {
	voice.Say(stderr, kind, fmt.Sprintf(format, args...))
}

// sayError prints an error.
func sayError(err error) { say("error", "%v", err) }

// sayHint prints the hint that an error carries.
func sayHint(err error) {
	var h *hinted
	if errors.As(err, &h) {
		say("hint", "%s", h.hint)
	}
}

// sayWarnings prints what the parsers of flags and manifest found odd.
func sayWarnings(list []policy.Warning) {
	for _, w := range list {
		say("warning", "%s: %s", w.Source, w.Text)
	}
}

// A hinted error says in a second line what to do about it.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

func withHint(err error, hint string) error {
	if hint == "" {
		return err
	}
	return &hinted{err, hint}
}
