package closure

import (
	"os"
	"os/exec"
	"testing"
)

// need skips a test for want of a program that .ci/run installs. Where everything
// must be enforced, that is a failure.
func need(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("SANDRUN_MUST_ENFORCE") == "1" {
		t.Fatalf("%s is not installed", program)
	}
	t.Skipf("%s is not installed", program)
}
