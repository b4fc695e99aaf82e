package seccomp_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
)

// The tests of this file install programs in the running kernel. That cannot be
// undone, so each runs in a child: this test binary again, which knows its part
// from roleVar and prints doneToken at its end.
const (
	roleVar   = "SANDRUN_SECCOMP_ROLE"
	dirVar    = "SANDRUN_SECCOMP_DIR"
	doneToken = "all as the table says"
)

// roles are what a child can do.
var roles = map[string]func() error{
	"refused": refusedRole, "open": openRole, "notified": notifiedRole, "setid": setidRole, "exec": execRole,
}

func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	runtime.LockOSThread()
	if err := roles[role](); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(doneToken)
	os.Exit(0)
}

// playRole runs a child and returns what it printed.
func playRole(t *testing.T, role, dir string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), roleVar+"="+role, dirVar+"="+dir)
	out, err := child.CombinedOutput()
	return string(out), err
}

func TestKernel(t *testing.T) {
	for role := range roles {
		if role == "exec" {
			continue
