//go:build linux

package main

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The benchmarks compare side by side: the commands take turns, the figures are
// medians, and what counts is the ratio. Run them on a quiet machine:
//
//	go test -run '^$' -bench . -benchtime 300x ./cmd/sandrun

// build compiles a C program for a benchmark.
func build(b *testing.B, out string, args ...string) string {
	b.Helper()
	path := binDir + "/" + out
	if msg, err := exec.Command("gcc", append([]string{"-O1", "-pthread", "-o", path}, args...)...).CombinedOutput(); err != nil {
		b.Fatalf("gcc: %v\n%s", err, msg)
	}
	return path
}

// staticTrue is the smallest program.
func staticTrue(b *testing.B) string {
	b.Helper()
	source := b.TempDir() + "/true.c"
	if err := os.WriteFile(source, []byte("int main(void) { return 0; }\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	return build(b, "static-true", "-static", source)
}

// installed is sandrun as an installed file is read from a disk. Straight from the
// linker its pages are kept one by one, and a launch takes a tenth longer.
func installed(b *testing.B) string {
	b.Helper()
	data, err := os.ReadFile(sandrun)
	if err != nil {
		b.Fatal(err)
	}
	path := binDir + "/installed"
	if err := os.WriteFile(path, data, 0o755); err != nil {
		b.Fatal(err)
	}
	return path
}

// medians runs commands in turns and returns the median time of each.
func medians(b *testing.B, commands [][]string) []time.Duration {
	b.Helper()
	times := make([][]time.Duration, len(commands))
	for range b.N {
		for i, args := range commands {
			c := exec.Command(args[0], args[1:]...)
			start := time.Now()
			if err := c.Run(); err != nil {
				b.Fatalf("%q: %v", args, err)
			}
			times[i] = append(times[i], time.Since(start))
		}
	}
	out := make([]time.Duration, len(commands))
	for i := range times {
		slices.Sort(times[i])
		out[i] = times[i][len(times[i])/2]
	}
	return out
}

// report prints medians in microseconds and the ratio of the first to the second.
func report(b *testing.B, m []time.Duration, first, second string) {
	b.Helper()
	b.ReportMetric(0, "ns/op") // the time of a round means nothing
	b.ReportMetric(float64(m[0].Microseconds()), first+"-µs")
	b.ReportMetric(float64(m[1].Microseconds()), second+"-µs")
	b.ReportMetric(float64(m[0])/float64(m[1]), "ratio")
}

func BenchmarkLaunchDirect(b *testing.B) {
	solo := staticTrue(b)
	m := medians(b, [][]string{{installed(b), "--", solo}, {"bwrap", "--ro-bind", "/", "/", solo}})
	report(b, m, "sandrun", "bwrap")
}

func BenchmarkLaunchSupervised(b *testing.B) {
	m := medians(b, [][]string{
		{installed(b), "--", "/bin/true"},
		{"bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--unshare-all", "/bin/true"},
	})
	report(b, m, "sandrun", "bwrap")
}

func BenchmarkLaunchManifest(b *testing.B) {
	file := b.TempDir() + "/p.json"
	if err := os.WriteFile(file, []byte(`{"permission": {"allow-fs-read": ["/tmp"]}}`), 0o600); err != nil {
		b.Fatal(err)
	}
	m := medians(b, [][]string{
		{sandrun, "--policy", file, "--", "/bin/true"},
		{sandrun, "--allow-fs-read=/tmp", "--", "/bin/true"},
	})
	report(b, m, "manifest", "flags")
}

func BenchmarkLaunchManyGrants(b *testing.B) {
	dir := b.TempDir()
	flags := []string{sandrun}
	for i := range 10_000 {
		path := dir + "/" + strconv.Itoa(i)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			b.Fatal(err)
		}
		flags = append(flags, "--allow-fs-read="+path)
	}
	m := medians(b, [][]string{append(flags, "--", "/bin/true"), {sandrun, "--", "/bin/true"}})
	report(b, m, "grants-10000", "none")
}

// BenchmarkInside compares calls inside the sandbox with the same calls outside.
func BenchmarkInside(b *testing.B) {
	loop := build(b, "loop", "../../testdata/probe/loop.c")
	dir := b.TempDir()
	file := dir + "/file"
	if err := os.WriteFile(file, make([]byte, 8192), 0o644); err != nil {
		b.Fatal(err)
	}
	direct := []string{"--allow-fs-read=" + dir, "--allow-child-process", "--allow-worker", "--allow-addons"}
	trapped := []string{"--allow-fs-read=" + dir, "--allow-fs-write=" + dir, "--allow-addons=" + dir}
	for _, c := range []struct {
		op, count string
		flags     []string
	}{
		{"getpid", "200000", direct},
		{"open", "50000", direct},
		{"stat", "50000", direct},
		{"read", "200000", direct},
		{"mmap", "50000", direct},
		{"fork", "500", direct},
		{"thread", "5000", direct},
		{"mapexec", "5000", trapped},
		{"chmod", "5000", trapped},
	} {
		b.Run(c.op, func(b *testing.B) {
			args := []string{loop, c.op, c.count, file}
			inside := nanoseconds(b, append(append([]string{sandrun}, c.flags...), append([]string{"--"}, args...)...))
			outside := nanoseconds(b, args)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(inside, "inside-ns")
			b.ReportMetric(outside, "outside-ns")
			b.ReportMetric(inside/outside, "ratio")
		})
	}
}

// nanoseconds is the median of what a command prints, in some runs; by default 9
// at the most.
func nanoseconds(b *testing.B, args []string, runs ...int) float64 {
	b.Helper()
	var all []float64
	for range append(runs, min(b.N, 9))[0] {
		out, err := exec.Command(args[0], args[1:]...).Output()
		if err != nil {
			b.Fatalf("%q: %v", args, err)
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, n)
	}
	return median(all)
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// BenchmarkServed compares calls that the supervisor looks at or carries out with
// the same calls outside.
func BenchmarkServed(b *testing.B) {
	loop := build(b, "loop", "../../testdata/probe/loop.c")
	dir := b.TempDir()
	file := dir + "/file"
	if err := os.WriteFile(file, make([]byte, 8192), 0o644); err != nil {
		b.Fatal(err)
	}
	library := "/lib/" + map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH] + "-linux-gnu/libc.so.6"
	for _, c := range []struct {
		name, op, file string
		flags          []string
	}{
		{"continued-mapexec", "mapexec", library, nil},
		{"continued-open", "open", file, []string{"--allow-fs-read=" + dir, "--allow-fs-read=/other/name*"}},
		{"continued-read-of-write", "open", file, []string{"--allow-fs-read=" + dir, "--allow-fs-write=/other/name*"}},
		{"continued-open-found", "open", file, []string{"--allow-fs-read=" + dir + "/fi*"}},
		{"injected-open", "later", file, []string{"--allow-fs-read=" + dir + "/fi*", "--allow-fs-write=" + dir + "/fi*"}},
		{"injected-open-of-a-list", "later", file, []string{"--allow-fs-read=" + strings.Repeat("/other/name*,", 100) + dir + "/fi*", "--allow-fs-write=" + dir + "/fi*"}},
		{"chmod-on-behalf", "chmod", file, []string{"--allow-fs-write=" + dir}},
		{"explained-open", "open", file, []string{"--explain", "--allow-fs-read=" + dir}},
	} {
		b.Run(c.name, func(b *testing.B) {
			args := []string{loop, c.op, "20000", c.file}
			inside := nanoseconds(b, append(append([]string{sandrun}, c.flags...), append([]string{"--"}, args...)...))
			outside := nanoseconds(b, args)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(inside/1000, "inside-µs")
			b.ReportMetric(outside/1000, "outside-µs")
			b.ReportMetric(inside/outside, "ratio")
		})
	}
}

// BenchmarkOpenUntrapped: with grants of directories alone an open costs the same
// whether or not there is a supervisor.
func BenchmarkOpenUntrapped(b *testing.B) {
	loop := build(b, "loop-static", "-static", "../../testdata/probe/loop.c")
	dir := b.TempDir()
	if err := os.WriteFile(dir+"/file", nil, 0o644); err != nil {
		b.Fatal(err)
	}
	under := func(flags ...string) []string {
		return append(append([]string{sandrun, "--allow-fs-read=" + dir}, flags...), "--", loop, "open", "200000", dir+"/file")
	}
	var all [2][]float64
	for range min(b.N, 15) { // in turns
		for i, args := range [][]string{under("--allow-fs-write=" + dir), under("--allow-addons")} {
			all[i] = append(all[i], nanoseconds(b, args, 1))
		}
	}
	supervised, direct := median(all[0]), median(all[1])
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(supervised, "supervised-ns")
	b.ReportMetric(direct, "direct-ns")
	b.ReportMetric(supervised/direct, "ratio")
}

// BenchmarkSupervisorMemory: what the supervisor holds after a million calls.
func BenchmarkSupervisorMemory(b *testing.B) {
	loop := build(b, "loop", "../../testdata/probe/loop.c")
	dir := b.TempDir()
	if err := os.WriteFile(dir+"/file", nil, 0o644); err != nil {
		b.Fatal(err)
	}
	for _, op := range []string{"later", "chmod"} {
		b.Run(op, func(b *testing.B) {
			c := exec.Command(sandrun, "--allow-fs-read="+dir+"/fi*", "--allow-fs-write="+dir+"/fi*", "--", loop, op, "1000000", dir+"/file")
			var high, now int
			done := make(chan error, 1)
			if err := c.Start(); err != nil {
				b.Fatal(err)
			}
			go func() { done <- c.Wait() }()
			for over := false; !over; {
				select {
				case err := <-done:
					if over = true; err != nil {
						b.Fatal(err)
					}
				case <-time.After(10 * time.Millisecond):
					high, now = memoryOf(c.Process.Pid, high, now)
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(high), "VmHWM-KiB")
			b.ReportMetric(float64(now), "VmRSS-KiB")
		})
	}
}

// memoryOf reads the resident memory of a process, the largest and the present; of
// one that is gone it returns what was known.
func memoryOf(pid, high, now int) (h, n int) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return high, now
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 3 && f[0] == "VmHWM:":
			high, _ = strconv.Atoi(f[1])
		case len(f) == 3 && f[0] == "VmRSS:":
			now, _ = strconv.Atoi(f[1])
		}
	}
	return high, now
}
