//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Limits of package initialisation in the launcher, in milliseconds. Each is
// several times what is measured; a package like a schema validator takes 2.5.
const (
	initOfPackage = 0.2
	initOfAll     = 1.0
)

// TestNothingHeavyIsLinked keeps out what is known to be slow to start.
func TestNothingHeavyIsLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		for _, heavy := range []string{"github.com/santhosh-tekuri/jsonschema", "net/http", "html/template"} {
			if strings.HasPrefix(dep, heavy) {
				t.Errorf("the launcher links %s", dep)
			}
		}
	}
}

// TestInitialisation asks the Go runtime what the packages of the launcher cost.
// Of several starts the best counts: what disturbs a start only adds to it.
func TestInitialisation(t *testing.T) {
	name := sandrun
	if raceEnabled { // the race detector has costs of its own
		name = filepath.Join(t.TempDir(), "sandrun")
		build := exec.Command("go", "build", "-o", name, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	best := map[string]float64{}
	for range 30 {
		for pkg, ms := range initTimes(t, name, "version") {
			if old, ok := best[pkg]; !ok || ms < old {
				best[pkg] = ms
			}
		}
	}
	if _, ok := best["sandrun/sandbox"]; !ok || len(best) < 5 {
		t.Fatalf("this is no trace: %v", best)
	}
	sum := 0.0
	for pkg, ms := range best {
		sum += ms
		if ms > initOfPackage {
			t.Errorf("%s takes %g ms", pkg, ms)
		}
	}
	t.Logf("%d packages take %.3f ms", len(best), sum)
	if sum > initOfAll {
		t.Errorf("all packages together take %g ms", sum)
	}
}

// TestLaunchIsEarly: a program is launched before what only other commands need is
// initialised (package launch says how). Where an import of package launch or of what it
// imports ends that, the fault is here, and not in a program that still works.
func TestLaunchIsEarly(t *testing.T) {
	launched := initTimes(t, sandrun, "--allow-fs-read=/tmp", "--", probeSolo, "stat", "/")
	if _, ok := launched["sandrun/sandbox"]; !ok {
		t.Fatalf("this is no trace: %v", launched)
	}
	all := initTimes(t, sandrun, "version")
	for _, late := range []string{"net", "net/netip", "text/template", "github.com/spf13/pflag", "github.com/spf13/cobra"} {
		if _, ok := all[late]; !ok {
			t.Errorf("%s is never initialised: is this the right list?", late)
		}
		if _, ok := launched[late]; ok {
			t.Errorf("a launch waits for %s", late)
		}
	}
}

// initTimes starts the launcher once and returns what each package took.
func initTimes(t *testing.T, name string, args ...string) map[string]float64 {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	times := map[string]float64{}
	for line := range strings.Lines(string(out)) {
		// init internal/bytealg @0.008 ms, 0 ms clock, 0 bytes, 0 allocs
		word := strings.Fields(line)
		if len(word) < 6 || word[0] != "init" || word[5] != "ms" {
			continue
		}
		ms, err := strconv.ParseFloat(word[4], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		times[word[1]] = ms
	}
	return times
}
