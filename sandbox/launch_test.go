//go:build linux

package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sandrun/policy"
	"sandrun/sandbox"
)

// launcher is the variable that makes the test binary launch a program: the
// delays, then the flags, then "--" and the command, separated by spaces. The word
// "abi=N" among the flags plans as on a kernel that has no more than that.
const launcher = "SANDRUN_TEST_LAUNCH"

// collecting is the variable that makes such a launch stop the world all the time.
const collecting = "SANDRUN_TEST_COLLECT"

// A launch must be on the main thread.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	if spec, ok := os.LookupEnv(launcher); ok {
		os.Exit(launch(strings.Fields(spec)))
	}
	os.Exit(m.Run())
}

// launch runs a program as sandrun would and prints nothing of its own.
func launch(spec []string) int {
	seal, err1 := time.ParseDuration(spec[0])
	ready, err2 := time.ParseDuration(spec[1])
	if err := errors.Join(err1, err2); err != nil {
		return 3
	}
	sandbox.SetDelays(seal, ready)
	if os.Getenv(collecting) != "" {
		go func() {
			for {
				runtime.GC()
			}
		}()
	}
	r := sandbox.Request{Dir: "/", Env: []string{"PATH=/usr/bin:/bin"}}
	kernel := sandbox.Probe()
	for i, word := range spec[2:] {
		if word == "--" {
			r.Command = spec[3+i:]
			break
		}
		name, value, has := strings.Cut(word, "=")
		if name == "abi" {
			kernel.ABI = int(value[0] - '0')
		}
		for _, c := range policy.Capabilities {
			if name == c.Flag {
				grants, _, err := policy.ParseFlag(c, value, !has, "/")
				if err != nil {
					return 3
				}
				r.Policy.Grants = append(r.Policy.Grants, grants...)
			}
		}
	}
	f, err := sandbox.Gather(r, false)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	f.Kernel = kernel
	p, err := sandbox.NewPlan(f)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	out, err := p.Run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	if out.Signal != 0 {
		return 128 + int(out.Signal)
	}
	return out.Status
}

// often is how many launches a test makes: under the race detector one takes half
// a second, since its shadow memory is copied.
func often(n int) int {
	if sandbox.Race {
		return max(2, n/20)
	}
	return n
}

// launches are flags that lead to either launch of a program.
var launches = map[string]string{
	"direct":     "allow-addons",
	"supervised": "",
}

func launched(t *testing.T, seal, ready, flags, program string, env ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0])
	c.Env = append(append(os.Environ(), env...), launcher+"="+seal+" "+ready+" "+flags+" -- "+program)
	out, err := c.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("%s %q hangs: %s", flags, program, out)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), c.ProcessState.ExitCode()
}

// TestBlockedSealStaysSealed puts a blocking call between the first seal and the
// last. A launcher that let Go's scheduler in there would exec on another thread.
func TestBlockedSealStaysSealed(t *testing.T) {
	for name, flags := range launches {
		t.Run(name, func(t *testing.T) {
			for range often(50) {
				out, status := launched(t, "2ms", "0s", flags, "cat /etc/passwd")
				if status != 1 || strings.Contains(out, "root:") {
					t.Fatalf("status %d: %s", status, out)
				}
			}
		})
	}
}

// TestManyLaunches looks for what happens rarely.
func TestManyLaunches(t *testing.T) {
	var failed atomic.Int32
	for name, flags := range launches {
		t.Run(name, func(t *testing.T) {
			for range often(300) {
				if out, status := launched(t, "0s", "0s", flags, "/bin/true"); status != 0 {
					failed.Add(1)
					t.Errorf("status %d: %s", status, out)
				}
			}
		})
	}
	if n := failed.Load(); n > 0 {
		t.Errorf("%d launches failed", n)
	}
}

// TestTargetWaitsForItsSupervisor: what was granted is looked at before the target can
// change it.
func TestTargetWaitsForItsSupervisor(t *testing.T) {
	for range often(5) {
		begin := time.Now()
		out, status := launched(t, "0s", "200ms", "allow-addons allow-fs-write=/tmp", "date +%s%N") // no call of it is trapped
		var ran int64
		if _, err := fmt.Sscan(out, &ran); err != nil || status != 0 {
			t.Fatalf("status %d: %s", status, out)
		}
		if after := time.Unix(0, ran).Sub(begin); after < 200*time.Millisecond {
			t.Errorf("it ran after %v", after)
		}
	}
}
