//go:build linux

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sandrun/cmd/internal/launch"
	"sandrun/policy"
)

// newHelp makes "sandrun help [COMMAND...]". A name that is no command is a wrong
// question, not a reason to print something else.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "explain sandrun or one of its commands",
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, args []string) error {
			about, _, err := c.Root().Find(args)
			if err != nil || about == c.Root() && len(args) > 0 {
				return withSuggestion(fmt.Errorf("%q is no command of sandrun", strings.Join(args, " ")), args[0], commandNames(c.Root()))
			}
			about.InitDefaultHelpFlag() // so that it is listed too
			return about.Help()
		},
	}
}

func commandNames(root *cobra.Command) (names []string) {
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	return names
}

// printHelp prints what a command is for and how it is written. The library's own would
// leave it at that where it cannot be written.
func printHelp(c *cobra.Command) error {
	_, err := fmt.Fprintf(c.OutOrStdout(), "%s\n\n%s", cmp.Or(c.Long, c.Short), c.UsageString())
	return err
}

// printUsage prints how a command is written. The library's own would print the
// mark of a flag without its value, which is a zero byte.
func printUsage(c *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n", c.UseLine())
	if c.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", c.Example)
	}
	section(&b, "Commands", func(row func(left, right string)) {
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				row(sub.Name(), sub.Short)
			}
		}
	})
	local, groups := c.LocalFlags(), flagGroups()
	section(&b, "Flags", func(row func(left, right string)) { // of this command alone
		local.VisitAll(func(f *pflag.Flag) {
			if !slices.ContainsFunc(groups, func(g flagGroup) bool { return slices.Contains(g.names, f.Name) }) {
				row(flagForm(f), f.Usage)
			}
		})
	})
	for _, g := range groups {
		section(&b, g.title, func(row func(left, right string)) {
			for _, name := range g.names {
				if f := local.Lookup(name); f != nil {
					row(flagForm(f), f.Usage)
				}
			}
		})
	}
	_, err := fmt.Fprint(c.OutOrStdout(), b.String())
	return err
}

// A flagGroup is what --help lists under one title.
type flagGroup struct {
	title string
	names []string
}

// flagGroups lists every flag of a launch once.
func flagGroups() []flagGroup {
	groups := []flagGroup{
		{title: "Permissions"},
		{"Manifest and launch", []string{"policy", "policy-integrity", "bare", "deny-jit", "no-create", "tolerate"}},
		{"Denials", []string{"onerror", "exit-status", "explain", "log-format", "log-file"}},
		{"Output", []string{"quiet", "json", "help"}},
		{title: "Not in this version"},
	}
	for _, c := range policy.Capabilities {
		groups[0].names = append(groups[0].names, c.Flag)
	}
	for _, f := range launch.Flags() {
		if f.Later {
			groups[len(groups)-1].names = append(groups[len(groups)-1].names, f.Name)
		}
	}
	return groups
}

// section prints rows of two columns under a title, if there are any.
func section(b *strings.Builder, title string, each func(row func(left, right string))) {
	width := 0
	each(func(left, _ string) { width = max(width, len(left)) })
	if width == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	each(func(left, right string) { fmt.Fprintf(b, "  %-*s  %s\n", width, left, right) })
}

// flagForm writes a flag with its value, in brackets where that is optional.
func flagForm(f *pflag.Flag) string {
	arg := f.Value.Type()
	switch {
	case f.Shorthand != "":
		return "--" + f.Name + ", -" + f.Shorthand
	case arg == "":
		return "--" + f.Name
	case f.NoOptDefVal != "":
		return "--" + f.Name + "[=" + arg + "]"
	}
	return "--" + f.Name + "=" + arg
}
