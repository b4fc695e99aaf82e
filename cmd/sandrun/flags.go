//go:build linux

package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sandrun/cmd/internal/launch"
	"sandrun/cmd/internal/voice"
	"sandrun/policy"
)

// addFlags registers every flag of a command that makes a policy.
func addFlags(cmd *cobra.Command, s *launch.Settings) {
	flags := cmd.Flags()
	flags.SetInterspersed(false) // they stop at the first word that is no flag
	flags.SortFlags = false
	for _, f := range launch.Flags() {
		registered := flags.VarPF(&policyFlag{f, s}, f.Name, "", f.Help)
		if f.Optional {
			registered.NoOptDefVal = launch.Bare
		}
	}
	cmd.SetFlagErrorFunc(explainFlagError)
}

// A policyFlag is a flag of a launch as the library of flags wants it.
type policyFlag struct {
	launch.Flag
	into *launch.Settings
}

func (f *policyFlag) Set(value string) error { return f.Flag.Set(f.into, value) }
func (f *policyFlag) String() string         { return "" }
func (f *policyFlag) Type() string           { return f.Arg }

// An ownFlag is a flag of one command, which takes it once.
type ownFlag struct {
	arg   string
	set   func(value string) error
	given bool
}

func (f *ownFlag) Set(value string) error {
	if f.given {
		return launch.ErrTwice
	}
	f.given = true
	return f.set(value)
}
func (f *ownFlag) String() string { return "" }
func (f *ownFlag) Type() string   { return f.arg }

// explainFlagError turns the library's errors into ours, with a "did you mean".
func explainFlagError(cmd *cobra.Command, err error) error {
	var missing *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var needs *pflag.ValueRequiredError
	switch {
	case errors.Is(err, pflag.ErrHelp): // the library has taken -hx for -h
		return voice.WithHint(errors.New("-h stands alone"), "sandrun --help")
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
	return voice.WithHint(err, policy.Suggest(word, known))
}
