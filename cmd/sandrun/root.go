//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

const usage = `Run a program under the permission model that Node.js gives to scripts: nothing
is allowed until it is granted, and the kernel enforces it for every child.

  sandrun [flags] [--] COMMAND [ARG...]
  sandrun --policy policy.json [flags] [-- COMMAND [ARG...]]

Flags stop at the first word that is not a flag, or at "--". A program that has
the name of a command below needs "--" in front of it.

A PATTERN is a path (a directory includes everything below it), a path that ends
in * (everything that begins so), glob:PATTERN, a set such as @system or @tmp, or
* for everything. A comma separates patterns; write \, for a comma.`

const examples = `  sandrun --allow-fs-read=/tmp/ -- ls /tmp
  sandrun --allow-fs-read=. --allow-fs-write=./out/ -- python3 build.py
  sandrun --policy policy.json
  sandrun check --allow-fs-read=/tmp fs.read /tmp/x`

// errStatus ends a command with a status after everything was said.
type errStatus int

func (e errStatus) Error() string { return fmt.Sprintf("status %d", int(e)) }

// run is the command: it returns the exit status.
func run(args []string) int {
	s, err := newSettings()
	if err != nil {
		sayError(err)
		return exitFailed
	}
	root := newRoot(s, args)
	cmd, err := execute(root, s, args)
	var status errStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	sayError(err)
	if !s.quiet {
		sayHint(err)
	}
	if cmd != root {
		return exitWrong
	}
	return exitFailed
}

// execute runs the command of a command line, and tells which that is. Where none below
// the root can be meant, all there is to do is to read the flags; cobra would look for
// commands, help and completions first.
func execute(root *cobra.Command, s *settings, args []string) (*cobra.Command, error) {
	if mayNameCommand(args) {
		root.SetArgs(args)
		return root.ExecuteC()
	}
	if err := root.ParseFlags(args); err != nil {
		return root, root.FlagErrorFunc()(root, err)
	}
	return root, runProgram(s, root.Flags().Args())
}

// newRoot makes the tree of commands.
func newRoot(s *settings, args []string) *cobra.Command {
	root := &cobra.Command{
		Use:     "sandrun [flags] [--] COMMAND [ARG...]",
		Short:   "run a program with only what you granted",
		Long:    usage,
		Example: examples,
		Args:    cobra.ArbitraryArgs,
		// Errors are ours to say, in our voice.
		SilenceErrors: true, SilenceUsage: true,
		DisableFlagsInUseLine: true,
		RunE:                  func(_ *cobra.Command, args []string) error { return runProgram(s, args) },
	}
	addFlags(root, s)
	if mayNameCommand(args) {
		root.AddCommand(newCheck(s), newPlan(s), newPolicy(), newHash(), newVersion())
		root.AddCommand(laterCommands()...)
		root.SetHelpCommand(newHelp())
	}
	root.SetUsageFunc(printUsage)
	return root
}

// commandWords are the words that need the commands below the root.
var commandWords = [...]string{
	"check", "plan", "policy", "version", "learn", "hash", "doctor", "completion", "help", "--help", "-h",
	cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd,
}

// mayNameCommand tells whether a command line may be for one of the commands
// below the root, or asks for help. To register them all takes a tenth of a
// millisecond, which every launch would pay.
func mayNameCommand(args []string) bool {
	for _, a := range args {
		if a == "--" {
			return false
		}
		if slices.Contains(commandWords[:], a) || strings.HasPrefix(a, "--help") {
			return true
		}
	}
	return false
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			version := "(devel)"
			if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
				version = info.Main.Version
			}
			_, err := fmt.Fprintln(os.Stdout, "sandrun", version)
			return err
		},
	}
}

// laterCommands are the commands of later versions. Their names are reserved, so
// that a script that uses one as a program does not change its meaning one day.
func laterCommands() (list []*cobra.Command) {
	for _, later := range []struct {
		name   string
		status int
	}{{"learn", exitFailed}, {"doctor", exitWrong}} { // learn runs a program, the others answer
		list = append(list, &cobra.Command{
			Use: later.name, Short: "not in this version", Hidden: true, DisableFlagParsing: true,
			RunE: func(*cobra.Command, []string) error {
				say("error", "the command %s is not in this version", later.name)
				say("hint", "to run a program of that name: sandrun [flags] -- %s", later.name)
				return errStatus(later.status)
			},
		})
	}
	return list
}
