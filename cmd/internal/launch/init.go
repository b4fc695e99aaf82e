//go:build linux

// Package launch carries out a command line that runs a program: it reads the flags and
// a manifest, makes the policy, has package sandbox run it, and says how it ended.
//
// It runs such a line from its own init function. Go initialises the packages of a
// program in the order of their import paths, each after those that it imports (the
// language's specification, since Go 1.21). So what only the other commands need, the
// library of commands and flags with its templates and its addresses of the Internet, is
// not initialised before a program is launched, which would take 5 % of a launch. That
// stays so as long as this package imports none of it; a test looks.
//
// What this package does not take for a launch, because it names another command or
// has a fault, is left to package main, whose answer it is.
package launch

import (
	"os"
	"slices"
	"strings"
)

// A launch needs the main thread, which it seals or forks from. While packages are
// initialised the Go runtime itself keeps the goroutine there (the documentation of
// runtime.LockOSThread); to ask for that later costs a further thread.
func init() {
	growStack()
	if status, ok := early(os.Args[1:]); ok {
		os.Exit(status)
	}
}

// growStack makes room for the deepest calls at once: to grow in steps copies the
// stack each time, which takes longer the deeper it is.
//
//go:noinline
func growStack() byte {
	var room [12 << 10]byte
	return room[len(os.Args)%len(room)]
}

// early runs a command line that is a launch without fault, and returns its status.
// Tests of packages that import this one never look like that: the flags of a test
// begin with one dash.
func early(args []string) (status int, ok bool) {
	if len(args) == 0 || MayNameCommand(args) {
		return 0, false
	}
	s, err := New()
	if err != nil {
		return 0, false
	}
	command, ok := s.parse(args)
	if !ok {
		return 0, false
	}
	return s.End(s.Run(command), Failed), true
}

// commandWords are the words that name a command other than a launch, or ask for help.
// Those that begin with underscores ask for completions.
var commandWords = [...]string{
	"check", "plan", "policy", "version", "learn", "hash", "doctor", "completion", "help", "--help", "-h",
	"__complete", "__completeNoDesc",
}

// MayNameCommand tells whether a command line may be for another command, or asks for
// help. To register them all takes a tenth of a millisecond.
func MayNameCommand(args []string) bool {
	for _, a := range args {
		if a == "--" {
			return false
		}
		if slices.Contains(commandWords[:], a) || strings.HasPrefix(a, "--help") {
			return true
		}
	}
	return false
}
