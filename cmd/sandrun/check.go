//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"sandrun/cmd/internal/launch"
	"sandrun/cmd/internal/voice"
	"sandrun/policy"
	"sandrun/sandbox"
)

const checkUsage = `Ask whether something is granted, without running anything.

  sandrun check [--policy FILE] [flags] SCOPE [REFERENCE] [-- COMMAND]

SCOPE is one of fs.read, fs.write, fs, child, worker, addon, net, inspector, env.
REFERENCE is a path, a program or a variable; without one the question is whether
the whole scope is granted. With COMMAND, what that program needs in order to
start counts as granted.

The exit status is 0 for yes, 1 for no, 2 when the question was wrong.`

func newCheck(s *launch.Settings) *cobra.Command {
	cmd := &cobra.Command{
		Use: "check [flags] SCOPE [REFERENCE] [-- COMMAND]", Short: "ask whether something is granted", Long: checkUsage,
		DisableFlagsInUseLine: true,
		RunE:                  func(_ *cobra.Command, args []string) error { return check(s, args) },
	}
	addFlags(cmd, s)
	return cmd
}

func check(s *launch.Settings, args []string) error {
	question, command := args, []string(nil)
	if i := slices.Index(args, "--"); i >= 0 {
		question, command = args[:i], args[i+1:]
	}
	if len(question) == 0 || len(question) > 2 {
		return voice.WithHint(errors.New("check takes a scope and at most one reference"), "sandrun check [flags] fs.read /tmp/x")
	}
	scope := policy.Scope(question[0])
	if _, ok := policy.Lookup(scope); !ok && scope != sandbox.FSBoth {
		return withSuggestion(fmt.Errorf("%q is no scope (they are %s)", question[0], scopeNames()), question[0], scopeList())
	}
	reference := ""
	if len(question) == 2 {
		if reference = question[1]; reference == "" {
			return errors.New("the reference is empty")
		}
	}
	if err := s.RunsNothing("--explain"); err != nil {
		return err
	}
	r, err := s.Request(command)
	if err != nil {
		return err
	}
	r.Command = command // a question is about the grants alone unless it names a program
	facts, err := sandbox.Gather(r, false)
	if err != nil {
		return err
	}
	answer, err := facts.Ask(scope, reference)
	if err != nil {
		return err
	}
	if err := printAnswer(os.Stdout, answer, s.JSON); err != nil {
		return err
	}
	if !answer.Granted {
		return launch.Status(exitNo)
	}
	return nil
}

func scopeList() []string {
	names := []string{string(sandbox.FSBoth)}
	for _, c := range policy.Capabilities {
		names = append(names, string(c.Scope))
	}
	return names
}

func scopeNames() string {
	out := ""
	for i, n := range scopeList() {
		if i > 0 {
			out += ", "
		}
		out += n
	}
	return out
}

// What an answer says of how a grant is held.
const (
	heldNow      = "now"
	heldExisting = "existing files only"
)

func printAnswer(w io.Writer, a sandbox.Answer, asJSON bool) error {
	if asJSON {
		return printJSON(w, answerJSON(a))
	}
	verdict := "denied "
	if a.Granted {
		verdict = "granted"
	}
	subject := a.Resource
	if subject == "" {
		subject = a.Reference
	}
	line := fmt.Sprintf("%s  %s", verdict, a.Scope)
	if subject != "" {
		line += " " + subject
	}
	lines := []string{line}
	for _, n := range a.Notes {
		lines = append(lines, "         "+n)
	}
	switch {
	case a.Granted && a.Stands != "":
		lines = append(lines, fmt.Sprintf("         by %s  (%s)", a.By, a.Stands))
	case a.Granted:
		lines = append(lines, "         by "+a.By)
	default:
		if a.Partial {
			lines = append(lines, "         something below it is granted")
		}
		lines = append(lines, fmt.Sprintf("         %s would grant it", a.Flag))
	}
	if a.Later {
		lines = append(lines, "         not yet: nothing holds the grant for what is made after the program has started")
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(w, voice.Escape(l)); err != nil {
			return err
		}
	}
	return nil
}

func answerJSON(a sandbox.Answer) any {
	held := ""
	switch {
	case a.Granted && a.Later:
		held = heldExisting
	case a.Granted:
		held = heldNow
	}
	node := "FileSystem"
	if c, ok := policy.Lookup(a.Scope); ok {
		node = c.Node
	}
	notes := a.Notes
	if notes == nil {
		notes = []string{}
	}
	return struct {
		Granted    bool         `json:"granted"`
		Scope      policy.Scope `json:"scope"`
		Permission string       `json:"permission"`
		Reference  string       `json:"reference"`
		Resource   string       `json:"resource"`
		Partial    bool         `json:"partial"`
		By         string       `json:"by"`
		Flag       string       `json:"flag"`
		Layer      string       `json:"layer"`
		Held       string       `json:"held"`
		Notes      []string     `json:"notes"`
	}{a.Granted, a.Scope, node, a.Reference, a.Resource, a.Partial, a.By, a.Flag, a.Layer, held, notes}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
