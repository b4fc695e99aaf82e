package seccomp_test

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
)

// BenchmarkProgram is what a launch pays for its filter before the kernel sees it.
func BenchmarkProgram(b *testing.B) {
	for name, c := range benchChoices() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n = len(seccomp.Program(c))
			}
			b.ReportMetric(float64(n), "instructions")
		})
	}
}

// benchChoices are the default of a supervised launch, and a direct one that
// grants all.
func benchChoices() map[string]seccomp.Choice {
	var supervised seccomp.Choice
	supervised[seccomp.Exec], supervised[seccomp.MapExec] = seccomp.Notify, seccomp.Notify
	return map[string]seccomp.Choice{"supervised": supervised, "open": all(seccomp.Allow)}
}

// BenchmarkInstall is what the kernel takes to check, translate and cache a
// program. Each goes to a thread that ends with its goroutine.
func BenchmarkInstall(b *testing.B) {
	for name, c := range benchChoices() {
		b.Run(name, func(b *testing.B) {
			code := seccomp.Program(c)
			var spent time.Duration
			for b.Loop() {
				took := make(chan time.Duration)
				go func() {
					runtime.LockOSThread() // and never unlock: the thread must not be used again
					start := time.Now()
					if _, err := install(code, 0); err != nil {
						b.Error(err)
					}
					took <- time.Since(start)
				}()
				spent += <-took
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/install")
			b.ReportMetric(0, "ns/op") // creating the thread is not the question
		})
	}
}

// BenchmarkCall is what a filter adds to calls that fail at once: one that the
// kernel answers from its cache, and those that it runs the program for.
func BenchmarkCall(b *testing.B) {
	const none = ^uintptr(0)
	calls := []struct {
		name string
		nr   uintptr
		args [4]uintptr
	}{
		{"read", unix.SYS_READ, [4]uintptr{none}},
		{"openat", unix.SYS_OPENAT, [4]uintptr{none, 0, unix.O_RDONLY | unix.O_CLOEXEC}},
		{"mmap", unix.SYS_MMAP, [4]uintptr{0, 4096, unix.PROT_READ, unix.MAP_PRIVATE}},
		{"ioctl", unix.SYS_IOCTL, [4]uintptr{none, unix.TCGETS}},
	}
	filters := benchChoices()
	for _, filter := range []string{"none", "supervised", "open"} {
		for _, k := range calls {
			b.Run(filter+"/"+k.name, func(b *testing.B) {
				done := make(chan struct{})
				go func() {
					defer close(done)
					runtime.LockOSThread()
					if c, ok := filters[filter]; ok {
						if _, err := install(seccomp.Program(c), 0); err != nil {
							b.Error(err)
							return
						}
					}
					b.ResetTimer()
					for range b.N {
						unix.RawSyscall6(k.nr, k.args[0], k.args[1], k.args[2], k.args[3], none, 0)
					}
				}()
				<-done
			})
		}
	}
}
