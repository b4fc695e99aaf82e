package closure

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// The test binary plays the programs that some tests start: an interpreter that
// prints its arguments, one that prints its environment too, and one that says
// what its terminal is.
func TestMain(m *testing.M) {
	switch os.Getenv("CLOSURE_TEST_PLAYS") {
	case "arguments":
		fmt.Printf("%q", os.Args[1:])
	case "terminal":
		fmt.Printf("%v", terminal(0, 1, 2))
	default:
		os.Exit(m.Run())
	}
}

// self is the path of the test binary.
func self(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// write makes an executable file in a directory, and returns its path.
func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(path[:strings.LastIndexByte(path, '/')], 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// environ makes a lookup function of NAME=VALUE entries.
func environ(entries ...string) func(string) (string, bool) {
	return EnvChange{Clear: true, Set: entries}.lookup(nil)
}

// tempDir is a directory without symbolic links in its path.
func tempDir(t testing.TB) string {
	t.Helper()
	real, err := newDisk().real(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return real
}

func TestNativeMachine(t *testing.T) {
	if native.arch != runtime.GOARCH {
		t.Errorf("the row of %s is taken for that of %s", native.arch, runtime.GOARCH)
	}
}
