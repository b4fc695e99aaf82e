package voice

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Stderr is where Tell speaks; tests replace it.
var Stderr io.Writer = os.Stderr

// Tell says a line on stderr. The kind is "error", "warning" or "hint".
func Tell(kind, format string, args ...any) {
	Say(Stderr, kind, fmt.Sprintf(format, args...))
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
