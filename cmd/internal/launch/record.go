//go:build linux

package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sandrun/cmd/internal/voice"
	"sandrun/policy"
	"sandrun/sandbox"
	"sandrun/sandbox/record"
)

// logFormats are the forms of records; the first is the default.
var logFormats = []string{"text", "json"}

// flushTime is how long a run that is over waits for its records to be written.
const flushTime = time.Second

// RunsNothing refuses the flags that mean something only where a program runs,
// and those that the command names.
func (s *Settings) RunsNothing(also ...string) error {
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"--log-file", s.logFile != ""},
		{"--log-format", s.logFormat != ""},
		{"--exit-status", s.exitStatus >= 0},
		{"--explain", s.explain && len(also) > 0},
	} {
		if f.given {
			return fmt.Errorf("%s belongs to a run: nothing runs here", f.name)
		}
	}
	return nil
}

// A recording is where the records of a run go: to a file, or to stderr.
type recording struct {
	take     func(record.Record) // nil: nothing is recorded
	recorder *record.Recorder
	settings *Settings
	onerror  policy.OnError
	fd       int
}

// newRecording makes the recording that the flags ask for. It opens nothing.
func (s *Settings) newRecording(onerror policy.OnError) (*recording, error) {
	c := &recording{settings: s, onerror: onerror, fd: 2}
	silent := s.quiet && s.logFile == "" && s.logFormat != "json"
	switch {
	case s.exitStatus >= 0 && onerror != policy.Exit:
		return nil, voice.WithHint(fmt.Errorf("--exit-status is for onerror exit, and this is onerror %s", onerror), "add --onerror=exit")
	case silent && (s.explain || onerror == policy.Log):
		what := "--explain"
		if !s.explain {
			what = "onerror log"
		}
		return nil, voice.WithHint(fmt.Errorf("--quiet leaves no place for the records of %s", what), "add --log-file=FILE")
	}
	c.recorder = record.NewRecorder(c.write, c.format)
	if !silent {
		c.take = c.recorder.Add
	}
	return c, nil
}

// format writes a record as a line, the same in a file and on stderr. The text
// of a record holds nothing that a terminal must not get.
func (c *recording) format(r *record.Record) []byte {
	if c.settings.logFormat == "json" {
		return append(r.JSON(), '\n')
	}
	return []byte("sandrun: " + r.Text() + "\n")
}

// write writes a line. It goes round package os, whose answer to a pipe that
// nobody reads any more is to end the process: the target would die of it.
func (c *recording) write(line []byte) error {
	for len(line) > 0 {
		n, err := unix.Write(c.fd, line)
		switch err {
		case nil:
			line = line[n:]
		case unix.EINTR:
		case unix.EAGAIN: // somebody who shares stderr has made it so
			_, err = unix.Poll([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLOUT}}, -1)
			if err != nil && err != unix.EINTR {
				return err
			}
		default:
			return err
		}
	}
	return nil
}

// open opens the log file. It must be a regular file, so that nothing waits for
// a reader, and no symbolic link: a program that could write where the file lies
// must not choose, with a link left behind, to which file the next run appends.
// It is closed in the target by close-on-exec.
func (c *recording) open() error {
	name := c.settings.logFile
	if name == "" {
		return nil
	}
	const flags = unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT | unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_NOCTTY | unix.O_NONBLOCK
	fd, err := unix.Open(name, flags, 0o600)
	if err == unix.ELOOP {
		err = errors.New("it is a symbolic link, which is not followed")
	}
	if err != nil {
		return fmt.Errorf("--log-file %q: %w", name, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("--log-file %q: %w", name, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("--log-file %q: it is not a regular file", name)
	}
	c.fd = fd
	return nil
}

// sayBefore warns of records that will not be what they seem.
func (c *recording) sayBefore(p *sandbox.Plan) {
	s := c.settings
	if !p.Supervised() && !s.explain && c.onerror == policy.Throw && (s.logFile != "" || s.logFormat != "") {
		voice.Tell("warning", "nothing will be recorded: the kernel alone refuses what this program may not do; add --explain")
	}
	if s.logFile == "" {
		return
	}
	if a, err := p.Facts().Ask(policy.FSWrite, s.logFile); err == nil && a.Granted {
		voice.Tell("warning", "--log-file %q: the program may write it too (by %s), and change what was recorded", s.logFile, a.By)
	}
}

// close ends the recording. What could not be written is an error, which --quiet
// does not hide.
func (c *recording) close() record.Summary {
	summary := c.recorder.Close(flushTime)
	if summary.Failed > 0 && c.settings.logFile != "" {
		voice.Tell("error", "--log-file %q: %s could not be written: %v", c.settings.logFile, count(summary.Failed, "record"), summary.Err)
	}
	return summary
}

// stuck tells whether nobody reads stderr: what is said there would hang.
func (c *recording) stuck(s record.Summary) bool {
	return c.fd == 2 && (s.Lost > 0 || s.Failed > 0)
}

// sayAfter says what the records do not hold, and under --explain what would
// grant all that was denied to a run that may have failed.
func (c *recording) sayAfter(s record.Summary, failed bool) {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{
		{s.Limited, "beyond 100 a second"},
		{s.Crowded, "faster than they could be written"},
		{s.Failed, "that could not be written"},
		{s.Lost, "not yet written at the end"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	kind := "warning"
	if len(parts) == 0 {
		kind = "hint"
	}
	if s.Repeated > 0 && (len(parts) > 0 || c.settings.explain) {
		parts = append(parts, count(s.Repeated, "repeat"))
	}
	if len(parts) > 0 {
		voice.Tell(kind, "denials that are not in the records: %s", strings.Join(parts, ", "))
	}
	if c.settings.explain {
		c.saySuggestion(&s, failed)
	}
}

// saySuggestion ends with the line that has all flags to add. Of harmless probes it
// tells where one of them may be the reason that the run failed, or will fail when
// denied operations do not go ahead any more.
func (c *recording) saySuggestion(s *record.Summary, failed bool) {
	at := c.places()
	probes := ""
	if failed || c.onerror == policy.Log {
		found := s.Probes.Suggest(at)
		probes = flagLine(append(found.Flags, found.Wide...))
	}
	switch {
	case s.Total > 0:
		if probes != "" {
			voice.Tell("hint", "most programs do without, so that no record tells of it: %s", probes)
		}
		suggestion := s.Suggest(at)
		sayNotSuggested(s, suggestion)
		if all := flagLine(suggestion.Flags); all != "" {
			what := "all that was denied"
			if suggestion.Left+len(suggestion.Wide)+s.Nameless > 0 {
				what = "the rest of what was denied"
			}
			voice.Tell("hint", "to grant %s: %s", what, all)
		}
	case probes != "":
		voice.Tell("hint", "nothing was denied but what most programs do without; if this one needs it: %s", probes)
	case failed:
		voice.Tell("hint", "nothing was denied that a flag grants (what is always closed, or takes root's capabilities, is refused without a record)")
	default:
		voice.Tell("hint", "nothing was denied")
	}
}

// sayNotSuggested says in what a suggestion differs from what was denied.
func sayNotSuggested(s *record.Summary, suggestion record.Suggestion) {
	for _, f := range suggestion.Folded {
		if f.Made {
			voice.Tell("hint", "wider than what was denied: %s includes all that will be in it", record.Quote(f.Dir))
			continue
		}
		voice.Tell("hint", "wider than what was denied: %s stands for %s in it", record.Quote(f.Dir), count(f.Files, "denial"))
	}
	for _, flag := range suggestion.Wide {
		voice.Tell("hint", "not suggested, because it grants far more than was asked for: %s", record.Quote(flag))
	}
	if suggestion.Left > 0 {
		voice.Tell("hint", "not suggested, because the line would be too long: %s", count(suggestion.Left, "more denial"))
	}
	if s.Nameless > 0 {
		voice.Tell("hint", "no flag grants %d of the denials", s.Nameless)
	}
}

// flagLine is flags as a shell takes them.
func flagLine(flags []string) string {
	words := make([]string, 0, len(flags))
	for _, flag := range flags {
		words = append(words, record.Quote(flag))
	}
	return strings.Join(words, " ")
}

// places is what a suggestion must know. A name is passing if it is gone after a run
// in which it could be made, or looks made up where it could not.
func (c *recording) places() record.Places {
	tmp := os.Getenv("TMPDIR")
	if !path.IsAbs(tmp) {
		tmp = "/tmp"
	}
	return record.Places{
		Home: home(), Tmp: path.Clean(tmp),
		Passing: func(name string) bool {
			_, err := os.Lstat(name)
			return errors.Is(err, fs.ErrNotExist) && (c.onerror == policy.Log || record.IsMadeUp(path.Base(name)))
		},
	}
}

// home is the home of the user, which no suggestion includes as a whole.
func home() string {
	if h := path.Clean(os.Getenv("HOME")); path.IsAbs(h) {
		return h
	}
	return ""
}

// count is a number of things.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
