package integrity_test

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"sandrun/integrity"
)

// BenchmarkSum hashes a file of 256 MiB, in turns with sha384sum, and prints the
// ratio of the medians:
//
//	go test -run '^$' -bench Sum -benchtime 5x ./integrity
func BenchmarkSum(b *testing.B) {
	const size = 256 << 20
	name := b.TempDir() + "/content"
	if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
		b.Fatal(err)
	}
	var ours, theirs []time.Duration
	for b.Loop() {
		start := time.Now()
		sumFile(b, name)
		ours = append(ours, time.Since(start))
		start = time.Now()
		if out, err := exec.Command("sha384sum", name).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		theirs = append(theirs, time.Since(start))
	}
	us, them := median(ours), median(theirs)
	b.ReportMetric(size/us.Seconds()/1e6, "MB/s")
	b.ReportMetric(size/them.Seconds()/1e6, "sha384sum-MB/s")
	b.ReportMetric(us.Seconds()/them.Seconds(), "of-sha384sum")
	b.ReportMetric(0, "ns/op") // both together mean nothing
}

func sumFile(b *testing.B, name string) {
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if _, err := integrity.Sum(integrity.DefaultAlgorithm, f); err != nil {
		b.Fatal(err)
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
