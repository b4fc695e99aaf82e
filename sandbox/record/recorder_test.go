package record

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sandrun/policy"
)

// lines collects what is written.
type lines struct {
	mu   sync.Mutex
	list []string
}

func (l *lines) write(line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, string(line))
	return nil
}

func text(r *Record) []byte { return []byte(r.Text()) }

// at is a record of a path at a time.
func at(p string, after time.Duration) Record {
	return with(read(p), func(r *Record) { r.Time = r.Time.Add(after) })
}

// adds checks that no record is unaccounted for.
func adds(t *testing.T, s Summary, total int) {
	t.Helper()
	if sum := s.Written + s.Repeated + s.Limited + s.Crowded + s.Failed + s.Lost; sum != total || s.Total != total {
		t.Errorf("%d records of %d are accounted for: %+v", sum, total, s)
	}
}

func TestRecorder(t *testing.T) {
	var out lines
	c := NewRecorder(out.write, text)
	first, again, other := read("/a"), read("/a"), read("/a")
	again.PID, again.Time = 1, again.Time.Add(time.Second)
	other.Call = "open"
	for _, r := range []Record{first, again, other, again} {
		c.Add(r)
	}
	s := c.Close(time.Minute)
	adds(t, s, 4)
	if s.Written != 2 || s.Repeated != 2 || s.LeftOut() != 0 {
		t.Errorf("%+v", s)
	}
	if want := []string{first.Text(), other.Text()}; fmt.Sprint(out.list) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", out.list, want)
	}
	c.Add(read("/late"))
	if s := c.Close(0); s.Total != 4 || len(out.list) != 2 {
		t.Errorf("something was taken after the end: %+v", s)
	}
}

// TestRecorderAtRest: a run without a denial pays for nothing.
func TestRecorderAtRest(t *testing.T) {
	before := runtime.NumGoroutine()
	if n := testing.AllocsPerRun(100, func() { NewRecorder(nil, text).Close(time.Hour) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

// TestRate: a thousand at once, then a hundred a second; what was left out can be
// written later.
func TestRate(t *testing.T) {
	var b bucket
	now := read("").Time
	count := func(n int) (taken int) {
		for range n {
			if b.take(now) {
				taken++
			}
		}
		return taken
	}
	if got := count(5000); got != 1000 {
		t.Errorf("%d at once", got)
	}
	now = now.Add(time.Second)
	if got := count(5000); got != 100 {
		t.Errorf("%d after a second", got)
	}
	now = now.Add(-time.Hour)
	if got := count(1); got != 0 {
		t.Error("a clock that goes back gives more")
	}
	now = now.Add(2 * time.Hour)
	if got := count(5000); got != 1000 {
		t.Errorf("%d after an hour", got)
	}
}

func TestLeftOutIsNotForgotten(t *testing.T) {
	var out lines
	c := NewRecorder(out.write, text)
	for i := range burst + 1 {
		c.Add(at("/"+strconv.Itoa(i), 0))
		for i%500 == 0 && !idle(c) { // the queue must not be the reason
			runtime.Gosched()
		}
	}
	last := "/" + strconv.Itoa(burst)
	c.Add(at(last, time.Second))
	s := c.Close(time.Minute)
	adds(t, s, burst+2)
	if s.Limited != 1 || s.Written != burst+1 || !strings.Contains(out.list[burst], " "+last+" ") {
		t.Errorf("%+v", s)
	}
}

// idle tells whether nothing waits to be written.
func idle(c *Recorder) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued == c.sum.Written
}

// TestForgets: the memory is bounded, and what was long ago is no repeat.
func TestForgets(t *testing.T) {
	var m memory
	m.start()
	for i := range uint64(10 * remembered) {
		m.add(i)
		if !m.has(i) || len(m.young)+len(m.old) > 2*remembered {
			t.Fatalf("at %d: %d and %d", i, len(m.young), len(m.old))
		}
	}
	if last := uint64(10*remembered - 1); m.has(0) || !m.has(last-remembered+1) {
		t.Error("the wrong ones are forgotten")
	}
}

// TestFlood: a million denials from many threads, while nobody reads what is
// written, hold nobody up and fill no memory.
func TestFlood(t *testing.T) {
	const threads = 8
	for kind, each := range map[string]int{"distinct": 125_000, "the same": 125_000, "long": 10_000} {
		t.Run(kind, func(t *testing.T) {
			release := make(chan struct{})
			c := NewRecorder(func([]byte) error { <-release; return nil }, text)
			long := strings.Repeat("x", 4000)
			before := heap()
			start := time.Now()
			var wg sync.WaitGroup
			for n := range threads {
				wg.Go(func() {
					for i := range each {
						p := "/same"
						switch kind {
						case "distinct":
							p = "/" + strconv.Itoa(n) + "/" + strconv.Itoa(i)
						case "long":
							p = "/" + strconv.Itoa(n) + "/" + strconv.Itoa(i) + long
						}
						r := read(p)
						r.Time = r.Time.Add(time.Duration(i) * time.Microsecond)
						c.Add(r)
					}
				})
			}
			wg.Wait()
			took := time.Since(start)
			grown := heap() - before
			t.Logf("%v, %d KiB", took, grown>>10)
			if took > time.Minute || grown > 6<<20 {
				t.Errorf("it took %v and %d KiB", took, grown>>10)
			}
			start = time.Now()
			s := c.Close(50 * time.Millisecond)
			if waited := time.Since(start); waited > 10*time.Second {
				t.Errorf("Close waited %v", waited)
			}
			adds(t, s, threads*each)
			if s.Written != 0 || s.Lost == 0 || kind == "the same" && s.Repeated != threads*each-1 {
				t.Errorf("%+v", s)
			}
			close(release)
			<-c.done
			if c.sum.Written != 0 {
				t.Error("something was written after the summary")
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestWriterFails: what cannot be written is counted, and the next is tried.
func TestWriterFails(t *testing.T) {
	full := errors.New("no space")
	n := 0
	c := NewRecorder(func([]byte) error {
		if n++; n%2 == 0 {
			return full
		}
		return nil
	}, text)
	for i := range 10 {
		c.Add(read("/" + strconv.Itoa(i)))
	}
	s := c.Close(time.Minute)
	adds(t, s, 10)
	if s.Written != 5 || s.Failed != 5 || s.Err != full || s.LeftOut() != 5 {
		t.Errorf("%+v", s)
	}
}

// TestSlowWriter: what is queued at the end is still written.
func TestSlowWriter(t *testing.T) {
	var out lines
	c := NewRecorder(func(line []byte) error { time.Sleep(time.Millisecond); return out.write(line) }, text)
	for i := range 50 {
		c.Add(read("/" + strconv.Itoa(i)))
	}
	if s := c.Close(time.Minute); s.Written != 50 || len(out.list) != 50 {
		t.Errorf("%+v", s)
	}
}

func TestSummary(t *testing.T) {
	c := NewRecorder(func([]byte) error { return nil }, text)
	c.Add(read("memfd:x"))
	for i := range maxWanted + 10 {
		c.Add(read("/" + strconv.Itoa(i)))
	}
	c.Add(of(policy.Worker, "", "clone"))
	s := c.Close(time.Minute)
	if s.Overlooked != 10 || s.Nameless != 1 || !s.Has(policy.Worker) || s.Has(policy.Child) {
		t.Errorf("%d overlooked, %d nameless", s.Overlooked, s.Nameless)
	}
	if len(s.wanted) != maxWanted+1 {
		t.Errorf("%d grants", len(s.wanted))
	}
}

func BenchmarkAddRepeat(b *testing.B) {
	c := NewRecorder(func([]byte) error { return nil }, text)
	r := read("/home/me/project/node_modules/some/file.js")
	b.ReportAllocs()
	for b.Loop() {
		c.Add(r)
	}
	if s := c.Close(time.Minute); s.Total != b.N {
		b.Errorf("%+v", s)
	}
}
