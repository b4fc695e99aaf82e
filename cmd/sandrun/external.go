//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"sandrun/cmd/internal/voice"
)

// newPolicy makes "sandrun policy ...", which is the program sandrun-policy: a
// schema validator costs as much start-up as a whole launch, so it is not linked
// into this one.
func newPolicy() *cobra.Command {
	return &cobra.Command{
		Use: "policy validate FILE... | policy lock MANIFEST [FILE...] | policy schema", Short: "judge manifests, write digests into them, print their schema",
		DisableFlagParsing: true, DisableFlagsInUseLine: true,
		RunE: func(_ *cobra.Command, args []string) error {
			const name = "sandrun-policy"
			path, err := findBeside(name)
			if err != nil {
				return voice.WithHint(err, "install it with: go install ./cmd/sandrun-policy")
			}
			err = syscall.Exec(path, append([]string{name}, args...), os.Environ())
			return fmt.Errorf("execute %q: %w", path, err)
		},
	}
}

// findBeside finds a program in the folder of this one, else in PATH.
func findBeside(name string) (string, error) {
	if self, err := os.Executable(); err == nil {
		path := filepath.Join(filepath.Dir(self), name)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is neither beside sandrun nor in PATH: %w", name, errors.Unwrap(err))
	}
	return path, nil
}
