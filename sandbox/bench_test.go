//go:build linux

package sandbox

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/landlock"
)

// BenchmarkManyGrants measures what a launch does for 10,000 path grants, but the
// reading of the flags.
func BenchmarkManyGrants(b *testing.B) {
	dir := b.TempDir()
	r := Request{Dir: "/", Command: []string{"/bin/true"}}
	for i := range 10_000 {
		path := dir + "/" + strconv.Itoa(i)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			b.Fatal(err)
		}
		grants, _, err := policy.ParseFlag(policy.Capabilities[0], path, false, "/")
		if err != nil {
			b.Fatal(err)
		}
		r.Policy.Grants = append(r.Policy.Grants, grants...)
	}
	for b.Loop() {
		f, err := Gather(r, false)
		if err != nil {
			b.Fatal(err)
		}
		p, err := NewPlan(f)
		if err != nil {
			b.Fatal(err)
		}
		fd, err := landlock.NewRuleset(p.Handled, p.Rules)
		if err != nil {
			b.Fatal(err)
		}
		unix.Close(fd)
	}
}
