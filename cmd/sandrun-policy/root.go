package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sandrun/policy"
	"sandrun/schemas"
)

const manual = `Judge manifests of sandrun, write digests into them, or print their schema.

A manifest says what a program may do:

  {
    "command": ["./server"],
    "permission": {
      "allow-fs-read": ["./data/", "@certs"],
      "allow-worker": true
    }
  }

validate judges the document alone, by the schema and by the decoder that
sandrun uses: not whether this version of sandrun serves all of it, nor
whether the files exist. Each violation is a line on stdout:
file:line:column: /pointer: what is wrong.

lock writes the digests of the files that a manifest lists under "resources".

Exit status: 0 valid, 1 violations, 2 the question was wrong (bad usage, or
a file that cannot be read).`

// errAnswered ends a command whose answer was printed.
var errAnswered = errors.New("answered")

// run carries out a command line and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	r := reporter{stdout, stderr}
	status := exitYes
	root := newRoot(r, &status)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	var unwritten error
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		_, unwritten = fmt.Fprintf(c.OutOrStdout(), "%s\n\n%s", cmp.Or(c.Long, c.Short), c.UsageString())
	})
	err := cmp.Or(root.Execute(), unwritten)
	if err != nil && !errors.Is(err, errAnswered) {
		r.say("error", err.Error())
		return exitWrong
	}
	return status
}

func newRoot(r reporter, status *int) *cobra.Command {
	root := &cobra.Command{
		Use: "sandrun-policy", Short: "judge manifests of sandrun, write digests into them, or print their schema", Long: manual,
		SilenceErrors: true, SilenceUsage: true, Args: knownCommand,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("a command is missing: validate FILE..., lock MANIFEST, or schema")
		},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w (--help lists what there is)", err) })
	root.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true}) // --help is enough
	root.AddCommand(newValidate(r, status), newLock(r, status), newSchema(r))
	return root
}

// knownCommand refuses words that are no command.
func knownCommand(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("%q is no command here", args[0])
	if hint := policy.Suggest(args[0], []string{"validate", "lock", "schema"}); hint != "" {
		text += ": " + hint
	}
	return errors.New(text)
}

func newSchema(r reporter) *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "print the JSON schema of a manifest (draft 2020-12)",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("schema takes no argument: %q", args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(r.stdout, schemas.Policy)
			return err
		},
	}
}
