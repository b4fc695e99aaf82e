package gen

import (
	"errors"
	"maps"
	"math/bits"
	"slices"
)

// What no diagram is made of. No call of the table has such conditions.
var (
	errMixed = errors.New("a word is compared both as a whole and in part, or by its order")
	errWide  = errors.New("too many bits of a word are looked at")
)

// maxBits is how many bits of a word are looked at: every combination is tried.
const maxBits = 16

// diagram returns a graph that does the same and asks for every word once. libseccomp
// promises no order of its rules, so that they are made disjoint for it, and its program
// asks for the same bits over and over: 75 instructions for an open instead of 20. What
// a launch pays for a filter is its length.
//
// A word is half an argument. Every order of the words is tried, and the smallest wins.
func (g graph) diagram(n *node) (*node, error) {
	asked := survey(n)
	for _, w := range asked {
		switch {
		case w.ordered, w.whole != nil && w.bits != 0:
			return nil, errMixed
		case bits.OnesCount32(w.bits) > maxBits:
			return nil, errWide
		}
	}
	var best *node
	permute(asked, 0, func(order []*asking) { best = g.shorter(best, g.ask(n, order)) })
	return best, nil
}

// permute calls f with every order of what follows the first n elements.
func permute(all []*asking, n int, f func([]*asking)) {
	if n >= len(all)-1 {
		f(all)
		return
	}
	for i := n; i < len(all); i++ {
		all[n], all[i] = all[i], all[n]
		permute(all, n+1, f)
		all[n], all[i] = all[i], all[n]
	}
}

// An asking is what a graph asks of one word.
type asking struct {
	offset  uint32
	whole   map[uint32]bool // what all of it is compared with
	bits    uint32          // the bits that are looked at
	ordered bool            // it is compared by more than equality
}

// survey lists the words that a graph loads.
func survey(n *node) (list []*asking) {
	type place struct {
		n    *node
		word *asking
		mask uint32
	}
	seen := map[place]bool{}
	var visit func(n *node, w *asking, mask uint32)
	visit = func(n *node, w *asking, mask uint32) {
		if n == nil || seen[place{n, w, mask}] {
			return
		}
		seen[place{n, w, mask}] = true
		switch {
		case n.op == opLoad:
			i := slices.IndexFunc(list, func(old *asking) bool { return old.offset == n.k })
			if i < 0 {
				i = len(list)
				list = append(list, &asking{offset: n.k})
			}
			w, mask = list[i], 1<<32-1
		case n.op == opAnd:
			mask &= n.k
		case n.op == opBits:
			w.bits |= mask & n.k
		case n.op == opAbove, n.op == opFrom:
			w.ordered = true
		case n.needs() && mask == 1<<32-1:
			if w.whole == nil {
				w.whole = map[uint32]bool{}
			}
			w.whole[n.k] = true
		case n.needs():
			w.bits |= mask
		}
		visit(n.t, w, mask)
		visit(n.f, w, mask)
	}
	visit(n, nil, 0)
	return list
}

// ask asks for the words in order, and for each only where something depends on it.
func (g graph) ask(n *node, order []*asking) *node {
	if len(order) == 0 {
		return n
	}
	w, next := order[0], func(value uint32) *node {
		return g.ask(g.given(n, order[0].offset, value), order[1:])
	}
	if w.whole == nil {
		return g.load(w.offset, g.sift(w.bits, next))
	}
	var values []span
	for _, v := range slices.Sorted(maps.Keys(w.whole)) {
		values = append(values, span{v, next(v)})
	}
	other := uint32(0)
	for w.whole[other] {
		other++
	}
	return g.load(w.offset, search(g, spans(values, next(other))))
}
