package voice

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
)

// Heard is who hears what Tell says, in tests; nil is stderr.
var Heard io.Writer

// Tell says a line on stderr. The kind is "error", "warning" or "hint".
func Tell(kind, format string, args ...any) {
	Say(cmp.Or[io.Writer](Heard, os.Stderr), kind, fmt.Sprintf(format, args...))
}

// TellHint says what to do about an error, if it carries a hint.
func TellHint(err error) {
	var h *hinted
	if errors.As(err, &h) {
		Tell("hint", "%s", h.hint)
	}
}

// A hinted error says in a second line what to do about it.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// WithHint adds to an error what to do about it; an empty hint adds nothing.
func WithHint(err error, hint string) error {
	if hint == "" {
		return err
	}
	return &hinted{err, hint}
}
