//go:build linux

package sandbox

import (
	"fmt"
	"strings"

	"sandrun/policy"
)

// An UnservedError lists what the policy asks for and this version does not do.
// Such keys are refused by name: ignoring one would be a false promise.
type UnservedError struct{ What []string }

func (e *UnservedError) Error() string {
	return "not served by this version: " + strings.Join(e.What, "; ")
}

// unserved finds what a policy asks for beyond this version.
func unserved(p policy.Policy) error {
	var what []string
	for _, g := range p.Of(policy.Net) {
		if !g.All {
			what = append(what, fmt.Sprintf("%s: the rule %q (only the whole network can be granted)", g.Source, g.Value))
		}
	}
	if p.Process != nil && !p.Process.IsZero() {
		what = append(what, fmt.Sprintf("%s: process", p.Process.Source))
	}
	if len(what) == 0 {
		return nil
	}
	return &UnservedError{what}
}
