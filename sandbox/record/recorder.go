package record

import (
	"sync"
	"time"
)

// The bounds of what waits to be written.
const (
	maxQueue = 1024    // records
	maxBytes = 1 << 20 // of the text that they hold
)

// A Recorder takes records from any number of threads and writes them one after
// another, in a goroutine that starts with the first. What would make a caller
// wait, or take more than a fixed amount of memory, is left out and counted.
type Recorder struct {
	write  func(line []byte) error
	format func(*Record) []byte

	mu     sync.Mutex
	queue  []Record
	bytes  int
	seen   memory
	rate   bucket
	sum    Summary
	queued int // records that were put in the queue, ever
	closed bool
	gone   bool          // Close has given up on the writer
	wake   chan struct{} // nil before the first record
	done   chan struct{}
}

// NewRecorder makes a Recorder that formats records and hands each line to
// write, which is never called twice at once.
func NewRecorder(write func(line []byte) error, format func(*Record) []byte) *Recorder {
	return &Recorder{write: write, format: format}
}

// Add takes a record, which needs its time. It does not wait for anything. A
// record that differs from one of the last some thousand in nothing but time,
// process, errno and detail is counted as a repeat and not written again.
func (c *Recorder) Add(r Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if r.Probe {
		c.sum.Probes.want(&r)
		return
	}
	if c.wake == nil {
		c.start()
	}
	c.sum.Total++
	key := c.seen.key(&r)
	if c.seen.has(key) {
		c.sum.Repeated++
		return
	}
	c.sum.want(&r)
	size := len(r.Resource) + len(r.Exe) + len(r.Call) + len(r.Detail)
	switch {
	case len(c.queue) >= maxQueue || c.bytes+size > maxBytes:
		c.sum.Crowded++
	case !c.rate.take(r.Time):
		c.sum.Limited++
	default:
		c.seen.add(key) // what was left out may still be written another time
		c.queue = append(c.queue, r)
		c.bytes += size
		c.queued++
		select {
		case c.wake <- struct{}{}:
		default: // it is awake
		}
	}
}

// start begins to write.
func (c *Recorder) start() {
	c.wake, c.done = make(chan struct{}, 1), make(chan struct{})
	c.seen.start()
	go c.drain()
}

// drain writes what is queued until Close has closed the channel.
func (c *Recorder) drain() {
	defer close(c.done)
	var batch []Record
	for range c.wake {
		for {
			if batch = c.take(batch); len(batch) == 0 {
				break
			}
			for i := range batch {
				if !c.put(&batch[i]) {
					return
				}
			}
		}
	}
}

// take exchanges the queue for an empty one, whose memory is used again.
func (c *Recorder) take(empty []Record) []Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(empty)
	full := c.queue
	c.queue, c.bytes = empty[:0], 0
	return full
}

// put writes a record. It returns false where nobody waits for it any more.
func (c *Recorder) put(r *Record) bool {
	err := c.write(c.format(r))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return false
	}
	if err != nil {
		c.sum.Failed++
		c.sum.Err = err
	} else {
		c.sum.Written++
	}
	return true
}

// Close waits for what is queued to be written, at most for a while, and returns
// the summary. Records that are added later are dropped.
func (c *Recorder) Close(wait time.Duration) Summary {
	c.mu.Lock()
	if c.wake != nil && !c.closed {
		close(c.wake)
	}
	c.closed = true
	done := c.done
	c.mu.Unlock()
	if done != nil {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-done:
		case <-timer.C:
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	c.sum.Lost = c.queued - c.sum.Written - c.sum.Failed
	return c.sum
}
