//go:build linux

package main

import (
	"os"
	"os/exec"
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
	m := medians(b, [][]string{{sandrun, "--", solo}, {"bwrap", "--ro-bind", "/", "/", solo}})
	report(b, m, "sandrun", "bwrap")
}

func BenchmarkLaunchSupervised(b *testing.B) {
	m := medians(b, [][]string{
		{sandrun, "--", "/bin/true"},
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

// nanoseconds is the median of what a command prints.
func nanoseconds(b *testing.B, args []string) float64 {
	b.Helper()
	var all []float64
	for range min(b.N, 9) {
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
	slices.Sort(all)
	return all[len(all)/2]
}
