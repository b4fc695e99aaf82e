package integrity_test

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"sandrun/integrity"
)

// BenchmarkSum hashes a file of 256 MiB, in turns with sha384sum, and prints the
// ratio of the medians. It is the ratio of processor times: a busy machine disturbs
// it least.
//
//	go test -run '^$' -bench Sum -benchtime 9x ./integrity
func BenchmarkSum(b *testing.B) {
	const size = 256 << 20
	name := b.TempDir() + "/content"
	if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
		b.Fatal(err)
	}
	var ours, theirs []time.Duration
	for b.Loop() {
		start := used(b)
		sumFile(b, name)
		ours = append(ours, used(b)-start)
		c := exec.Command("sha384sum", name)
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		theirs = append(theirs, c.ProcessState.UserTime()+c.ProcessState.SystemTime())
	}
	us, them := median(ours), median(theirs)
	b.ReportMetric(size/us.Seconds()/1e6, "MB/s")
	b.ReportMetric(size/them.Seconds()/1e6, "sha384sum-MB/s")
	b.ReportMetric(us.Seconds()/them.Seconds(), "of-sha384sum")
	b.ReportMetric(0, "ns/op") // both together mean nothing
}

// used is the processor time of this process so far.
func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
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
