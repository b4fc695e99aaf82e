//go:build linux

package sandbox_test

import (
	"fmt"
	"testing"
)

// TestLaunchesNeverHang runs launches under what stops the Go runtime's world or
// leaves it one processor, with a supervisor that is ready at once or late.
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
		for _, ready := range []string{"0s", "100ms"} {
			for _, env := range hard {
				t.Run(fmt.Sprint(name, ready, env), func(t *testing.T) {
					t.Parallel()
					for range often(20) {
						if out, status := launched(t, "0s", ready, flags, "/bin/true", env...); status != 0 {
							t.Fatalf("status %d: %s", status, out)
						}
					}
				})
			}
		}
	}
}
