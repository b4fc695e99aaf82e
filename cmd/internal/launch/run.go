//go:build linux

package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"sandrun/cmd/internal/voice"
	"sandrun/integrity"
	"sandrun/policy"
	"sandrun/sandbox"
	"sandrun/sandbox/closure"
	"sandrun/sandbox/record"
)

// Run runs the command under its grants. A direct launch does not come
// back from it.
func (s *Settings) Run(args []string) error {
	r, err := s.Request(args)
	if err != nil {
		return err
	}
	if s.JSON {
		return errors.New("--json belongs to commands that answer: check, plan, hash")
	}
	if len(r.Command) == 0 {
		hint := "sandrun [flags] -- COMMAND; sandrun --help shows more"
		if s.policy != "" {
			hint = `sandrun --policy FILE [flags] -- COMMAND, or "command" in the manifest`
		}
		return voice.WithHint(errors.New("no command is given"), hint)
	}
	rec, err := s.newRecording(r.Policy.OnError)
	if err != nil {
		return err
	}
	r.Options.Record = rec.take
	facts, err := sandbox.Gather(r, true)
	if err != nil {
		return s.notRun(err)
	}
	plan, err := sandbox.NewPlan(facts)
	if err != nil {
		return s.notRun(err)
	}
	if err := rec.open(); err != nil {
		return s.notRun(err)
	}
	if !s.quiet {
		sayPlan(plan)
		rec.sayBefore(plan)
	}
	if r.Policy.OnError == policy.Log { // --quiet does not hide that nothing is enforced
		voice.Tell("warning", "--onerror=log enforces nothing: every denied operation goes ahead and is recorded")
	}
	out, err := plan.Run()
	if err != nil {
		rec.close()
		status := s.notRun(err)
		if out.Killed { // a content that is not right, under onerror exit
			return Status(s.ending(out).status)
		}
		return status
	}
	ended := s.ending(out)
	if summary := rec.close(); !s.quiet && !rec.stuck(summary) {
		rec.sayAfter(summary, ended.status != 0)
		s.hintAfter(plan, ended, summary)
	}
	return Status(ended.status)
}

// An ending is how a run ended.
type ending struct {
	status int
	killed bool // by a signal, or by onerror exit
}

// ending is what the outcome of a launch means for the exit status.
func (s *Settings) ending(out sandbox.Outcome) ending {
	switch {
	case out.Killed && s.exitStatus >= 0:
		return ending{s.exitStatus, true}
	case out.Killed:
		return ending{Killed, true}
	case out.Signal != 0:
		return ending{SignalBase + int(out.Signal), true}
	}
	return ending{out.Status, false}
}

// sayPlan says what a user must know before the program runs.
func sayPlan(p *sandbox.Plan) {
	for _, g := range p.Accepted {
		voice.Tell("warning", "--tolerate=%s: %s", g.Name, g.Text)
	}
	for _, w := range p.Warnings {
		voice.Tell("warning", "%s", w)
	}
	f := p.Facts()
	if c := f.Closure; c.Shim != "" && !f.Policy.Has(policy.Child) {
		voice.Tell("hint", "%s is a script that starts %s: run that, or add --allow-child-process", f.Command[0], c.Shim)
	}
}

// notRun says why nothing ran and returns the status for it.
func (s *Settings) notRun(err error) error {
	s.tell(err)
	if !s.quiet {
		sayCommandHint(err)
		sayGapHints(err)
		sayIntegrityHint(s, err)
	}
	var missing *closure.NotFoundError
	var refused *closure.NotExecutableError
	var mismatch *sandbox.IntegrityError
	var launch *sandbox.LaunchError
	switch {
	case errors.As(err, &missing):
		return Status(NotFound)
	case errors.As(err, &refused), errors.As(err, &mismatch):
		return Status(Refused)
	case errors.As(err, &launch) && launch.Exec && launch.Errno == unix.ENOENT:
		return Status(NotFound)
	case errors.As(err, &launch) && launch.Exec:
		return Status(Refused)
	}
	return Status(Failed)
}

// sayCommandHint names the command of sandrun that a program which is not found may have
// been meant to be.
func sayCommandHint(err error) {
	var missing *closure.NotFoundError
	if errors.As(err, &missing) {
		if text := policy.Suggest(missing.Name, commandWords[:]); text != "" {
			voice.Tell("hint", "%s", text)
		}
	}
}

// sayIntegrityHint says how a change that is wanted is accepted.
func sayIntegrityHint(s *Settings, err error) {
	var wrong *integrity.MismatchError
	if errors.As(err, &wrong) && s.policy != "" {
		voice.Tell("hint", "if the new content is the right one: sandrun policy lock %s", s.policy)
	}
}

// sayGapHints names the flag that accepts each gap, once.
func sayGapHints(err error) {
	var open *sandbox.GapError
	if !errors.As(err, &open) {
		return
	}
	said := map[string]bool{}
	for _, g := range open.Gaps {
		if !said[g.Name] && slices.Contains(sandbox.GapNames, g.Name) {
			voice.Tell("hint", "--tolerate=%s accepts this gap", g.Name)
		}
		said[g.Name] = true
	}
}

// hintAfter says what to do about a run that failed, where nothing else has said
// so: records name the flags themselves.
func (s *Settings) hintAfter(p *sandbox.Plan, end ending, denied record.Summary) {
	f := p.Facts()
	name := filepath.Base(f.Command[0])
	switch {
	case end.status == 0 || s.explain:
	case denied.Has(policy.Worker) && f.Policy.OnError == policy.Throw:
		voice.Tell("hint", "%s cannot start threads: add --allow-worker", name)
	case denied.Total > 0 || end.killed || !onTerminal():
	default:
		text := fmt.Sprintf("%s ended with status %d; if it was refused something, --explain shows what", name, end.status)
		if path := ungranted(f); path != "" {
			text += ", or ask: sandrun check fs.read " + record.Quote(path)
		}
		voice.Tell("hint", "%s", text)
	}
}

// onTerminal tells whether a person reads what sandrun says.
func onTerminal() bool {
	_, err := unix.IoctlGetTermios(2, unix.TCGETS)
	return err == nil
}

// ungranted finds the last argument that names an existing path which is not
// granted for reading.
func ungranted(f *sandbox.Facts) string {
	for i := len(f.Command) - 1; i > 0; i-- {
		arg := f.Command[i]
		if strings.HasPrefix(arg, "-") {
			continue
		}
		if _, err := os.Stat(arg); err != nil {
			continue
		}
		a, err := f.Ask(policy.FSRead, arg)
		if err == nil && !a.Granted {
			return arg
		}
	}
	return ""
}
