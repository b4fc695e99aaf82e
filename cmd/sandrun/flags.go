//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sandrun/integrity"
	"sandrun/policy"
	"sandrun/sandbox"
)

// bare is what pflag hands over for a flag that came without its optional value.
// No argument can be it: arguments of a process have no zero bytes.
const bare = "\x00"

// settings is what the flags say.
type settings struct {
	grants    []policy.Grant
	warnings  []policy.Warning
	dir       string // base of relative paths
	policy    string
	pinned    integrity.Set // --policy-integrity
	onerror   string
	tolerate  []string
	bareStart bool
	noCreate  bool
	denyJIT   bool
	quiet     bool
	json      bool
	explain   bool
	logFormat string
	logFile   string
	// exitStatus is what onerror exit ends with; -1 where nothing was said.
	exitStatus int
	later      []string // flags of later versions that were used
}

var errNoValue = errors.New("needs a value (a file of that name is ./--)")

// grantFlag reads the occurrences of one permission's flag.
type grantFlag struct {
	capability policy.Capability
	into       *settings
}

func (f *grantFlag) Set(value string) error {
	isBare := value == bare
	switch {
	case isBare:
		value = ""
	case value == "--": // the end of the flags, swallowed
		return errNoValue
	}
	grants, warnings, err := policy.ParseFlag(f.capability, value, isBare, f.into.dir)
	f.into.grants = append(f.into.grants, grants...)
	f.into.warnings = append(f.into.warnings, warnings...)
	return err
}
func (f *grantFlag) String() string { return "" }
func (f *grantFlag) Type() string   { return f.capability.Arg }

// once refuses a second occurrence of a flag that takes one value.
type once struct {
	pflag.Value
	seen bool
}

func (o *once) Set(value string) error {
	if o.seen {
		return errors.New("is given twice")
	}
	o.seen = true
	return o.Value.Set(value)
}

// text is a flag with a value that must not be empty.
type text struct {
	into    *string
	allowed []string // nil: anything
}

func (t *text) Set(value string) error {
	switch value {
	case "":
		return errors.New("the value is empty")
	case "--":
		return errNoValue
	}
	if t.allowed != nil && !slices.Contains(t.allowed, value) {
		return fmt.Errorf("%q is not one of %s", value, strings.Join(t.allowed, ", "))
	}
	*t.into = value
	return nil
}
func (t *text) String() string { return "" }
func (t *text) Type() string {
	if t.allowed != nil {
		return strings.Join(t.allowed, "|")
	}
	return "FILE"
}

// toggle is a flag that is true when it is given.
type toggle struct{ into *bool }

func (t *toggle) Set(value string) error {
	switch value {
	case bare, "true":
		*t.into = true
	case "false":
		*t.into = false
	default:
		return fmt.Errorf("%q is neither true nor false", value)
	}
	return nil
}
func (t *toggle) String() string { return "" }
func (t *toggle) Type() string   { return "" }

// exitStatus is a flag with a status that a process can end with.
type exitStatus struct{ into *int }

func (e *exitStatus) Set(value string) error {
	n, err := strconv.ParseUint(value, 10, 8)
	if err != nil {
		return fmt.Errorf("%q is no exit status: it must be a number from 0 to 255", value)
	}
	*e.into = int(n)
	return nil
}
func (e *exitStatus) String() string { return "" }
func (e *exitStatus) Type() string   { return "N" }

// gaps collects the names of --tolerate.
type gaps struct{ into *settings }

func (g *gaps) Set(value string) error {
	for name := range strings.SplitSeq(value, ",") {
		if !slices.Contains(sandbox.GapNames, name) {
			return withSuggestion(fmt.Errorf("%q is no gap (they are %s)", name, strings.Join(sandbox.GapNames, ", ")), name, sandbox.GapNames)
		}
		g.into.tolerate = append(g.into.tolerate, name)
	}
	return nil
}
func (g *gaps) String() string { return "" }
func (g *gaps) Type() string   { return "NAME,..." }

// laterFlags are flags of the design that this version refuses by name when they
// are used. Those that take a value say so.
var laterFlags = []struct {
	name, arg, help string
}{
	{"user", "NAME", "run as another user"},
	{"group", "NAME", "run as another group"},
	{"umask", "MODE", "umask of the program"},
	{"chdir", "DIR", "working directory of the program"},
	{"allow-cap", "NAME", "keep a capability"},
	{"inherit-fd", "N", "pass a descriptor on"},
}

type laterFlag struct {
	name, arg string
	into      *settings
}

func (f *laterFlag) Set(string) error {
	f.into.later = append(f.into.later, f.name)
	return nil
}
func (f *laterFlag) String() string { return "" }
func (f *laterFlag) Type() string   { return f.arg }

// addFlags registers every flag of a command that makes a policy.
func addFlags(cmd *cobra.Command, s *settings) {
	flags := cmd.Flags()
	flags.SetInterspersed(false) // they stop at the first word that is no flag
	flags.SortFlags = false
	for _, c := range policy.Capabilities {
		var value pflag.Value = &grantFlag{c, s}
		if c.Value == policy.Switch {
			value = &once{Value: value} // the others are lists, which may be repeated
		}
		f := flags.VarPF(value, c.Flag, "", c.Help)
		if c.Value != policy.Patterns {
			f.NoOptDefVal = bare
		}
	}
	single := func(v pflag.Value, name, help string) { flags.Var(&once{Value: v}, name, help) }
	single(&text{into: &s.policy}, "policy", "read a manifest too")
	single(&pinned{&s.pinned}, "policy-integrity", "digest that the manifest must have")
	single(&text{into: &s.onerror, allowed: policy.OnErrorNames}, "onerror", "what a denied operation does: fail, go ahead and be recorded, or end the program")
	single(&exitStatus{&s.exitStatus}, "exit-status", "exit status of --onerror=exit (77 if it is left out)")
	single(&text{into: &s.logFormat, allowed: logFormats}, "log-format", "how denials are recorded")
	single(&text{into: &s.logFile}, "log-file", "record denials in FILE, not on stderr")
	flags.Var(&gaps{s}, "tolerate", "accept that this kernel cannot hold NAME")
	for _, t := range []struct {
		into       *bool
		name, help string
	}{
		{&s.bareStart, "bare", "grant nothing for the start but the ELF closure"},
		{&s.denyJIT, "deny-jit", "never let memory that was writable become executable"},
		{&s.noCreate, "no-create", "do not make the directories of --allow-fs-write=DIR/"},
		{&s.explain, "explain", "look for every denial, and say what would grant it"},
		{&s.quiet, "quiet", "no warnings, no hints, and no text records on stderr"},
		{&s.json, "json", "answer in JSON (check and plan)"},
	} {
		single(&toggle{t.into}, t.name, t.help)
		flags.Lookup(t.name).NoOptDefVal = bare
	}
	for _, l := range laterFlags {
		flags.Var(&laterFlag{l.name, l.arg, s}, l.name, l.help+" (not in this version)")
		if l.arg == "" {
			flags.Lookup(l.name).NoOptDefVal = bare
		}
	}
	cmd.SetFlagErrorFunc(explainFlagError)
}

// explainFlagError turns pflag's errors into ours, with a "did you mean".
func explainFlagError(cmd *cobra.Command, err error) error {
	var missing *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var needs *pflag.ValueRequiredError
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &missing):
		name := missing.GetSpecifiedName()
		word := "--" + name
		if short := missing.GetSpecifiedShortnames(); short != "" {
			word = "-" + short
		}
		return withSuggestion(fmt.Errorf("unknown flag %s", word), word, flagNames(cmd))
	case errors.As(err, &needs):
		return fmt.Errorf("--%s needs a value: --%s=%s", needs.GetSpecifiedName(), needs.GetSpecifiedName(), needs.GetFlag().Value.Type())
	case errors.As(err, &invalid) && errors.Is(err, strconv.ErrSyntax): // --help is the library's own
		return fmt.Errorf("--%s: %q is neither true nor false", invalid.GetFlag().Name, invalid.GetValue())
	case errors.As(err, &invalid):
		return fmt.Errorf("--%s: %w", invalid.GetFlag().Name, errors.Unwrap(invalid))
	}
	return err
}

func flagNames(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return names
}

func withSuggestion(err error, word string, known []string) error {
	return withHint(err, policy.Suggest(word, known))
}
