//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox"
	"sandrun/sandbox/closure"
)

// runProgram runs the command under its grants. A direct launch does not come
// back from it.
func runProgram(s *settings, args []string) error {
	r, err := s.request(args)
	if err != nil {
		return err
	}
	if s.json {
		return errors.New("--json belongs to check and plan")
	}
	if len(r.Command) == 0 {
		return withHint(errors.New("no command is given"), "sandrun [flags] -- COMMAND; sandrun --help shows more")
	}
	facts, err := sandbox.Gather(r, true)
	if err != nil {
		return notRun(s, err)
	}
	plan, err := sandbox.NewPlan(facts)
	if err != nil {
		return notRun(s, err)
	}
	if !s.quiet {
		sayPlan(plan)
	}
	out, err := plan.Run()
	if err != nil {
		return notRun(s, err)
	}
	status := out.Status
	if out.Signal != 0 {
		status = exitSignalBase + int(out.Signal)
	}
	if out.Signal == 0 && status != 0 && !s.quiet {
		hintAfter(plan, status)
	}
	return errStatus(status)
}

// sayPlan says what a user must know before the program runs.
func sayPlan(p *sandbox.Plan) {
	for _, g := range p.Accepted {
		say("warning", "--tolerate=%s: %s", g.Name, g.Text)
	}
	for _, w := range p.Warnings {
		say("warning", "%s", w)
	}
	f := p.Facts()
	if c := f.Closure; c.Shim != "" && !f.Policy.Has(policy.Child) {
		say("hint", "%s is a script that starts %s: run that, or add --allow-child-process", c.Program, c.Shim)
	}
}

// notRun says why nothing ran and returns the status for it.
func notRun(s *settings, err error) error {
	sayError(err)
	if !s.quiet {
		sayHint(err)
		sayGapHints(err)
	}
	var missing *closure.NotFoundError
	var refused *closure.NotExecutableError
	var launch *sandbox.LaunchError
	switch {
	case errors.As(err, &missing):
		return errStatus(exitNotFound)
	case errors.As(err, &refused):
		return errStatus(exitRefused)
	case errors.As(err, &launch) && launch.Exec && launch.Errno == unix.ENOENT:
		return errStatus(exitNotFound)
	case errors.As(err, &launch) && launch.Exec:
		return errStatus(exitRefused)
	}
	return errStatus(exitFailed)
}

// sayGapHints names the flag that accepts each gap, once.
func sayGapHints(err error) {
	var open *sandbox.GapError
	if !errors.As(err, &open) {
		return
	}
	said := map[string]bool{}
	for _, g := range open.Gaps {
		if !said[g.Name] {
			say("hint", "--tolerate=%s accepts this gap", g.Name)
		}
		said[g.Name] = true
	}
}

// hintAfter helps a person at a terminal whose program has failed.
func hintAfter(p *sandbox.Plan, status int) {
	if _, err := unix.IoctlGetTermios(2, unix.TCGETS); err != nil {
		return
	}
	f := p.Facts()
	if path := ungranted(f); path != "" {
		say("hint", "%s ended with status %d; ask: sandrun check fs.read %s", filepath.Base(f.Command[0]), status, path)
	}
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
