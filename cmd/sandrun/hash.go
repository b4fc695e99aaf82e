//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sandrun/cmd/internal/content"
	"sandrun/cmd/internal/launch"
	"sandrun/cmd/internal/voice"
	"sandrun/integrity"
)

const hashUsage = `Print the digests of files as Subresource Integrity writes them: the values of
"resources" in a manifest, and of --policy-integrity.

Each file is a line: the digest, two spaces, and the path, in which control bytes
are escaped; --json has them in the order of the arguments. Without FILE, or when
FILE is -, it is the standard input.

A file that is no regular file, cannot be read or changes meanwhile is an error,
and does not stop the others. The exit status is 0, or 2 when there was an error.`

// A hashed is the answer for one file, and its form in JSON.
type hashed struct {
	Path      string `json:"path"`
	Integrity string `json:"integrity,omitempty"`
	Error     string `json:"error,omitempty"`
}

func newHash() *cobra.Command {
	algorithm, asJSON := integrity.DefaultAlgorithm, false
	cmd := &cobra.Command{
		Use: "hash [flags] [FILE...]", Short: "print the digests of files", Long: hashUsage,
		DisableFlagsInUseLine: true,
		RunE: func(_ *cobra.Command, files []string) error {
			if len(files) == 0 {
				files = []string{"-"}
			}
			return hashFiles(files, algorithm, asJSON)
		},
	}
	names := integrity.Algorithms()
	cmd.Flags().Var(&ownFlag{arg: strings.Join(names, "|"), set: func(value string) error {
		return launch.SetOneOf(&algorithm, value, names)
	}}, "algorithm", "one of them; "+integrity.DefaultAlgorithm+" where it is not given")
	cmd.Flags().Var(&ownFlag{set: func(value string) error { return launch.SetSwitch(&asJSON, value) }}, "json", "answer in JSON")
	cmd.Flags().Lookup("json").NoOptDefVal = launch.Bare
	cmd.SetFlagErrorFunc(explainFlagError)
	return cmd
}

// hashFiles prints a digest or an error for each file.
func hashFiles(files []string, algorithm string, asJSON bool) error {
	answers, failed := make([]hashed, 0, len(files)), false
	for _, name := range files {
		d, err := hashFile(name, algorithm)
		answer := hashed{Path: name}
		if err != nil {
			failed = true
			answer.Error = err.Error()
			voice.Tell("error", "hash %q: %v", name, err)
		} else {
			answer.Integrity = d.String()
		}
		if asJSON {
			answers = append(answers, answer)
		} else if err == nil {
			if _, err := fmt.Printf("%s  %s\n", answer.Integrity, voice.Escape(name)); err != nil {
				return err
			}
		}
	}
	if asJSON {
		if err := printJSON(os.Stdout, map[string][]hashed{"files": answers}); err != nil {
			return err
		}
	}
	if failed {
		return launch.Status(exitWrong)
	}
	return nil
}

// hashFile hashes a file, or the standard input, as sha384sum does.
func hashFile(name, algorithm string) (integrity.Digest, error) {
	if name != "-" {
		return content.Hash(name, algorithm)
	}
	d, err := integrity.Sum(algorithm, os.Stdin)
	var inner *os.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return d, err
}
