package record

import (
	"hash/maphash"
	"time"
)

// remembered is how many records a generation of a memory holds.
const remembered = 4096

// A memory knows the records of late, so that repeats can be told. It keeps
// hashes, because paths are as long as a target likes; their seed is random, so
// that no target can make two records look the same. It has two generations, and
// when the younger is full the elder is forgotten.
type memory struct {
	seed       maphash.Seed
	young, old map[uint64]struct{}
}

func (m *memory) start() {
	m.seed = maphash.MakeSeed()
	m.young = map[uint64]struct{}{}
}

// key hashes what makes a record new.
func (m *memory) key(r *Record) uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	_ = h.WriteByte(byte(r.Verdict)) // it never fails
	if r.Entry {
		_ = h.WriteByte(1)
	}
	for _, s := range [...]string{string(r.Scope), r.Resource, r.Call, r.Exe, r.Code} {
		_, _ = h.WriteString(s)
		_ = h.WriteByte(0)
	}
	return h.Sum64()
}

func (m *memory) has(key uint64) bool {
	_, young := m.young[key]
	_, old := m.old[key]
	return young || old
}

func (m *memory) add(key uint64) {
	if len(m.young) >= remembered {
		m.old, m.young = m.young, map[uint64]struct{}{}
	}
	m.young[key] = struct{}{}
}

// The rate of records that are written.
const (
	burst  = 1000 // at once
	steady = 10 * time.Millisecond
)

// A bucket allows a burst and then one record in each steady period.
type bucket struct {
	used  time.Duration // periods of what was taken and is not paid back
	since time.Time
}

// take tells whether a record may be written now.
func (b *bucket) take(now time.Time) bool {
	if passed := now.Sub(b.since); passed > 0 { // threads may be out of order
		b.used = max(0, b.used-passed)
		b.since = now
	}
	if b.used > (burst-1)*steady {
		return false
	}
	b.used += steady
	return true
}
