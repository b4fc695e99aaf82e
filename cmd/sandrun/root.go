//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"sandrun/cmd/internal/launch"
	"sandrun/cmd/internal/voice"
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

// run is the command: it returns the exit status.
func run(args []string) int {
	s, err := launch.New()
	if err != nil {
		voice.Tell("error", "%v", err)
		return launch.Failed
	}
	root := newRoot(s, args)
	var unwritten error
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { unwritten = printHelp(c) })
	switch cmd, err := execute(root, s, args); {
	case unwritten != nil:
		return s.End(unwritten, exitWrong)
	case cmd != root:
		return s.End(err, exitWrong)
	default:
		return s.End(err, launch.Failed)
	}
}

// execute runs the command of a command line, and tells which that is. Where none below
// the root can be meant, the library is not asked for one: after a fault it would look for
// commands, and for completions, among the words of the program.
func execute(root *cobra.Command, s *launch.Settings, args []string) (*cobra.Command, error) {
	if launch.MayNameCommand(args) {
		root.SetArgs(args)
		return root.ExecuteC()
	}
	if err := root.ParseFlags(args); err != nil {
		return root, root.FlagErrorFunc()(root, err)
	}
	return root, s.Run(root.Flags().Args())
}

// newRoot makes the tree of commands.
func newRoot(s *launch.Settings, args []string) *cobra.Command {
	root := &cobra.Command{
		Use:     "sandrun [flags] [--] COMMAND [ARG...]",
		Short:   "run a program with only what you granted",
		Long:    usage,
		Example: examples,
		Args:    cobra.ArbitraryArgs,
		// Errors are ours to say, in our voice.
		SilenceErrors: true, SilenceUsage: true,
		DisableFlagsInUseLine: true,
		RunE:                  func(_ *cobra.Command, args []string) error { return s.Run(args) },
	}
	addFlags(root, s)
	if launch.MayNameCommand(args) {
		root.AddCommand(newCheck(s), newPlan(s), newPolicy(), newHash(), newVersion())
		root.AddCommand(laterCommands()...)
		root.SetHelpCommand(newHelp())
	}
	root.SetUsageFunc(printUsage)
	return root
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
	}{{"learn", launch.Failed}, {"doctor", exitWrong}} { // learn runs a program, the others answer
		list = append(list, &cobra.Command{
			Use: later.name, Short: "not in this version", Hidden: true, DisableFlagParsing: true,
			RunE: func(*cobra.Command, []string) error {
				voice.Tell("error", "the command %s is not in this version", later.name)
				voice.Tell("hint", "to run a program of that name: sandrun [flags] -- %s", later.name)
				return launch.Status(later.status)
			},
		})
	}
	return list
}
