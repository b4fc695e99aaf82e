//go:build linux

package launch

import (
	"errors"
	"fmt"

	"sandrun/cmd/internal/voice"
)

// Exit statuses of commands that run, beside the program's own.
const (
	Killed     = 77  // a denial ended the program, under onerror exit
	Failed     = 125 // sandrun itself failed and nothing ran
	Refused    = 126 // the program was found but cannot be executed
	NotFound   = 127
	SignalBase = 128 // plus the number of the signal that killed the program
)

// A Status ends a command with a status after everything was said.
type Status int

func (e Status) Error() string { return fmt.Sprintf("status %d", int(e)) }

// End says what a command ended with, and returns its exit status: that of an error
// that is none, or otherwise.
func (s *Settings) End(err error, otherwise int) int {
	var status Status
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	s.tell(err)
	return otherwise
}

// tell says an error, and what to do about it.
func (s *Settings) tell(err error) {
	voice.Tell("error", "%v", err)
	if !s.quiet {
		voice.TellHint(err)
	}
}
