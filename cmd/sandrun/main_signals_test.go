//go:build linux

package main

import (
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// catchIgnored has the programs under test start with default signals, even if the tests
// were started with some ignored (nohup, a shell's background job): what is caught
// here is at its default after an exec.
func catchIgnored() error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, after, _ := strings.Cut(string(status), "SigIgn:")
	line, _, _ := strings.Cut(after, "\n")
	ignored, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	if err != nil {
		return err
	}
	drop := make(chan os.Signal, 1) // nobody reads it
	for s := range 64 {
		if ignored&(1<<s) != 0 {
			signal.Notify(drop, syscall.Signal(s+1))
		}
	}
	return nil
}
