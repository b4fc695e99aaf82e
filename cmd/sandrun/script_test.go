//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are what the scripts have beside testscript's own commands.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"status": scriptStatus,
	"fails":  scriptFails,
}

// scriptConditions are the conditions of the scripts: [root].
func scriptConditions(name string) (bool, error) {
	if name == "root" {
		return os.Geteuid() == 0, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// scriptStatus is "status N PROGRAM [ARG...]": the exit status must be N.
func scriptStatus(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := runScriptProgram(ts, args[1:]); got != want {
		ts.Fatalf("status %d, want %d", got, want)
	}
}

// scriptFails is "fails N TEXT PROGRAM [ARG...]": sandrun must end with status N,
// say exactly one error, which contains TEXT, and otherwise nothing but hints.
// Nothing may have been started: there is no file with the name "marker", which
// the command would make.
func scriptFails(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 3 {
		ts.Fatalf("usage: fails N TEXT PROGRAM [ARG...]")
	}
	scriptStatus(ts, false, append([]string{args[0]}, args[2:]...))
	said := strings.Split(strings.TrimSuffix(ts.ReadFile("stderr"), "\n"), "\n")
	if !strings.HasPrefix(said[0], "sandrun: error: ") || !strings.Contains(said[0], args[1]) {
		ts.Fatalf("no error with %q first", args[1])
	}
	for _, line := range said[1:] {
		if !strings.HasPrefix(line, "sandrun: hint: ") {
			ts.Fatalf("beside the error: %q", line)
		}
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("something on stdout")
	}
	if _, err := os.Lstat(ts.MkAbs("marker")); err == nil {
		ts.Fatalf("the command was started")
	}
}

func runScriptProgram(ts *testscript.TestScript, args []string) (status int) {
	err := ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	if exit == nil {
		return 0
	}
	return statusOf(exit.ProcessState)
}
