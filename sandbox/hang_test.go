//go:build linux

package sandbox_test

import (
	"fmt"
	"testing"
)

// TestLaunchesNeverHang runs launches under what stops the Go runtime's world or
// leaves it one processor, with the first answer late. A thread that held on to
// its processor while it waits for an answer would hang the collecting ones.
func TestLaunchesNeverHang(t *testing.T) {
	hard := [][]string{
		nil,
		{"GOMAXPROCS=1"},
		{"GOGC=1", "GOMEMLIMIT=1"},
		{"GOGC=1", "GOMEMLIMIT=1", "GOMAXPROCS=1"},
		{collecting + "=1"},
		{collecting + "=1", "GOMAXPROCS=1"},
		{collecting + "=1", "GOMAXPROCS=8"},
	}
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
