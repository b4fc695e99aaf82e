package record

import (
	"strings"

	"sandrun/policy"
)

// The bounds of what a summary holds.
const (
	maxWanted      = 4096    // grants
	maxWantedBytes = 1 << 20 // of their paths
)

// A Summary is what became of all records of a run. Total is the sum of the six
// counts that follow it.
type Summary struct {
	Total    int
	Written  int
	Repeated int // the same again
	Limited  int // more than may be written a second
	Crowded  int // the queue was full: the writer is too slow
	Failed   int // the writer returned an error
	Lost     int // still queued, or being written, when Close gave up

	Err    error  // the last one of the writer
	Wishes        // of the records
	Probes Wishes // of what was no record
}

// Wishes are the grants that were missing in a run.
type Wishes struct {
	wanted map[grant]struct{}
	bytes  int
	// Overlooked counts records whose grant was not kept for the suggestion,
	// because there are too many.
	Overlooked int
	// Nameless counts records that no flag can grant.
	Nameless int
}

// A grant is what a record says is missing.
type grant struct {
	scope    policy.Scope
	resource string // with a trailing slash if it was to be made a directory
	entry    bool
}

// LeftOut is how many records were not written and are no repeats.
func (s *Summary) LeftOut() int { return s.Limited + s.Crowded + s.Failed + s.Lost }

// Has tells whether anything of a scope was denied that a flag can grant.
func (w *Wishes) Has(scope policy.Scope) bool {
	for g := range w.wanted {
		if g.scope == scope {
			return true
		}
	}
	return false
}

// want keeps what a record says is missing.
func (w *Wishes) want(r *Record) {
	g := grant{r.Scope, r.Resource, r.Entry}
	if c, _ := policy.Lookup(r.Scope); c.Value == policy.Switch || c.Value == policy.OptionalRules {
		g.resource = "" // the flag grants it as a whole
	}
	if strings.HasPrefix(r.Call, "mkdir") && !strings.Contains(r.Resource, "*") {
		g.resource = strings.TrimSuffix(r.Resource, "/") + "/"
	}
	if _, ok := w.wanted[g]; ok {
		return
	}
	switch {
	case g.resource != "" && (len(w.wanted) >= maxWanted || w.bytes+len(g.resource) > maxWantedBytes):
		// What has no path always has its place: there are no more than scopes.
		w.Overlooked++
	case r.Flag() == "":
		w.Nameless++
	default:
		if w.wanted == nil {
			w.wanted = map[grant]struct{}{}
		}
		w.wanted[g] = struct{}{}
		w.bytes += len(g.resource)
	}
}
