//go:build linux

package launch

import (
	"fmt"
	"os"

	"sandrun/integrity"
	"sandrun/policy"
)

// Settings is what the flags say.
type Settings struct {
	JSON bool // answer in JSON

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
	explain   bool
	logFormat string
	logFile   string
	// exitStatus is what onerror exit ends with; -1 where nothing was said.
	exitStatus int
	later      []string // flags of later versions that were used
	given      []string // flags that must not be given again
}

// New reads the working directory, the base of relative paths.
func New() (*Settings, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("working directory: %w", err)
	}
	return &Settings{dir: dir, exitStatus: -1}, nil
}
