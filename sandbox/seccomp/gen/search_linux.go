package gen

import (
	"cmp"
	"slices"

	"sandrun/sandbox/seccomp"
)

// A span is what a run of numbers leads to; it ends where the next starts.
type span struct {
	from uint32
	to   *node
}

// spans returns what all numbers lead to: single values, in order, and every other
// number to rest.
func spans(values []span, rest *node) []span {
	all := []span{{0, rest}}
	add := func(s span) {
		if last := &all[len(all)-1]; last.from == s.from {
			last.to = s.to
		} else {
			all = append(all, s)
		}
	}
	for _, v := range values {
		add(v)
		if v.from != 1<<32-1 {
			add(span{v.from + 1, rest})
		}
	}
	return merged(all)
}

// merged makes one span of neighbours with one outcome.
func merged(all []span) []span {
	return slices.CompactFunc(all, func(a, b span) bool { return a.to == b.to })
}

// A stretch is a run of numbers that lead to one place, but for a few single ones.
type stretch struct {
	span
	but []span
}

// most is how many single numbers a stretch has at most: they are compared one after
// the other, which is half the length of a search and no longer to go for so few.
const most = 3

// search finds where a number leads: first what it leads to in most launches, and below
// that what else it can. Where the choice is the usual one, all of the second search is
// one return, and Fold makes it that.
func search(g graph, all []span) *node {
	c, done := seccomp.Direct(), map[*node]*node{}
	rough := slices.Clone(all)
	for i := range rough {
		rough[i].to = g.answered(rough[i].to, &c, done)
	}
	plain := func(s span) *node { return s.to }
	return halve(g, stretches(merged(rough)), func(s stretch, end uint64) *node {
		fine := stretches(merged(s.own(all, end)))
		return halve(g, fine, func(s stretch, _ uint64) *node { return s.to }, plain)
	}, func(s span) *node {
		i, _ := slices.BinarySearchFunc(all, s.from, func(s span, from uint32) int { return cmp.Compare(s.from, from) })
		return all[i].to
	})
}

// own returns the spans that a stretch of rough ones, which ends before end, is made of.
// Its single numbers lead wherever the numbers before them do.
func (s stretch) own(all []span, end uint64) (own []span) {
	for i, f := range all {
		last := i+1 == len(all)
		if uint64(f.from) >= end || !last && all[i+1].from <= s.from {
			continue
		}
		f.from = max(f.from, s.from)
		if slices.ContainsFunc(s.but, func(b span) bool { return b.from == f.from }) {
			f.to = own[len(own)-1].to
		}
		own = append(own, f)
	}
	return own
}

// halve finds the stretch of a number by halving, and in it the single numbers. What
// the others lead to, base says, who gets the end of the stretch too, and what a single
// number leads to, single says.
func halve(g graph, all []stretch, base func(s stretch, end uint64) *node, single func(span) *node) *node {
	var within func(all []stretch, end uint64) *node
	within = func(all []stretch, end uint64) *node {
		if half := len(all) / 2; half > 0 {
			middle := all[half].from
			return g.jump(opFrom, middle, within(all[half:], end), within(all[:half], uint64(middle)))
		}
		to := base(all[0], end)
		for _, s := range slices.Backward(all[0].but) {
			to = g.jump(opEqual, s.from, single(s), to)
		}
		return to
	}
	return within(all, 1<<32)
}

// stretches gathers spans: single numbers between two spans that lead to one place are
// taken out, and the two become one.
func stretches(all []span) (list []stretch) {
	for i := 0; i < len(all); {
		s := stretch{span: all[i]}
		i++
		for {
			n := singles(all[i:], s.to)
			if n == 0 || len(s.but)+n > most {
				break
			}
			s.but = append(s.but, all[i:i+n]...)
			i += n + 1
		}
		list = append(list, s)
	}
	return list
}

// singles counts the single numbers before the next span that leads to a place, 0 where
// anything else comes first.
func singles(all []span, to *node) int {
	for i := range all {
		if all[i].to == to {
			return i
		}
		if i+1 == len(all) || all[i+1].from != all[i].from+1 {
			return 0
		}
	}
	return 0
}
