//go:build linux && !race

package sandbox_test

import (
	"fmt"
	"testing"
)

// This test is about the runtime that is shipped. Under the race detector, whose
// runtime is another, a direct launch was once seen to hang.

// TestLaunchesNeverHang runs launches under what stops the Go runtime's world or
// leaves it one processor, with the first answer late.
func TestLaunchesNeverHang(t *testing.T) {
	hard := [][]string{nil, {"GOMAXPROCS=1"}, {"GOGC=1", "GOMEMLIMIT=1"}, {"GOGC=1", "GOMEMLIMIT=1", "GOMAXPROCS=1"}}
	for name, flags := range launches {
		for _, answer := range []string{"0s", "100ms"} {
			for _, env := range hard {
				t.Run(fmt.Sprint(name, answer, env), func(t *testing.T) {
					t.Parallel()
					for range often(20) {
						if out, status := launched(t, "0s", answer, flags, "/bin/true", env...); status != 0 {
							t.Fatalf("status %d: %s", status, out)
						}
					}
				})
			}
		}
	}
}
