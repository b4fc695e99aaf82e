package gen

import (
	"errors"
	"maps"
	"math/bits"
	"slices"

	"sandrun/sandbox/seccomp"
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

// given returns what is left of a graph when a word is known.
func (g graph) given(n *node, offset, value uint32) *node {
	return g.rewrite(n, map[*node]*node{}, func(n *node) *node {
		if n.op != opLoad || n.k != offset {
			return nil
		}
		a := value
		for n = n.t; n.needs(); {
			next := n.t
			switch {
			case n.op == opAnd:
				a &= n.k
			case n.op == opEqual && a != n.k, n.op == opBits && a&n.k == 0:
				next = n.f
			}
			n = next
		}
		return n
	})
}

// answered returns a graph with the labels that a choice closes.
func (g graph) answered(n *node, c *seccomp.Choice, done map[*node]*node) *node {
	return g.rewrite(n, done, func(n *node) *node {
		if n.op != opReturn {
			return nil
		}
		return g.ret(uint32(seccomp.Action(n.k).Answer(c)))
	})
}

// rewrite returns a graph in which other nodes stand for some, and what then decides
// nothing is left out. It goes on from what stands for a node, unless that is a return.
func (g graph) rewrite(n *node, done map[*node]*node, other func(*node) *node) *node {
	if done[n] != nil {
		return done[n]
	}
	o := other(n)
	switch {
	case o != nil && o.op != opReturn:
		o = g.rewrite(o, done, other)
	case o != nil:
	case n.op == opReturn:
		o = n
	case n.op == opLoad:
		o = g.load(n.k, g.rewrite(n.t, done, other))
	case n.f == nil:
		o = g.rewrite(n.t, done, other)
		if o.needs() {
			o = g.node(node{op: n.op, k: n.k, t: o})
		}
	default:
		o = g.jump(n.op, n.k, g.rewrite(n.t, done, other), g.rewrite(n.f, done, other))
	}
	done[n] = o
	return o
}

// sift decides on the bits of a loaded word. A bit that settles everything is asked for
// first, all such bits with one outcome at once; else the bit that leaves least to do.
func (g graph) sift(mask uint32, outcome func(value uint32) *node) *node {
	results := map[uint32]*node{}
	each(mask, func(value uint32) { results[value] = outcome(value) })
	type cell struct{ free, value uint32 }
	done := map[cell]*node{}
	var decide func(free, value uint32) *node
	decide = func(free, value uint32) *node {
		at := cell{free, value}
		if done[at] != nil {
			return done[at]
		}
		best := settled(results, free, value)
		if best == nil {
			set := map[*node]uint32{} // the bits that settle it when they are set, by outcome
			for b := free; b != 0; b &= b - 1 {
				bit := b & -b
				if to := settled(results, free&^bit, value|bit); to != nil {
					set[to] |= bit
				}
			}
			for b := free; b != 0; b &= b - 1 {
				bit := b & -b
				if to := settled(results, free&^bit, value|bit); to != nil {
					if group := set[to]; bit == group&-group {
						best = g.shorter(best, g.jump(opBits, group, to, decide(free&^group, value)))
					}
				} else if len(set) == 0 || settled(results, free&^bit, value) != nil {
					best = g.shorter(best, g.jump(opBits, bit, decide(free&^bit, value|bit), decide(free&^bit, value)))
				}
			}
		}
		done[at] = best
		return best
	}
	return decide(mask, 0)
}

// settled returns the one outcome of all values of the free bits, or nil.
func settled(results map[uint32]*node, free, value uint32) (one *node) {
	many := false
	each(free, func(v uint32) {
		to := results[value|v]
		many = many || one != nil && one != to
		one = to
	})
	if many {
		return nil
	}
	return one
}

// each calls f with every subset of the bits of a mask.
func each(mask uint32, f func(uint32)) {
	for v := uint32(0); ; v = (v - mask) & mask {
		f(v)
		if v == mask {
			return
		}
	}
}

// shorter returns the graph that makes the shorter programs: with all its labels, and as
// most launches answer them. Nil is longer than any.
func (g graph) shorter(a, b *node) *node {
	length := func(n *node) int {
		c := seccomp.Usual()
		return size(n) + size(g.answered(n, &c, map[*node]*node{}))
	}
	if a == nil || length(b) < length(a) {
		return b
	}
	return a
}

// size counts the instructions of a graph, without its returns.
func size(n *node) int {
	seen := map[*node]bool{}
	var count func(n *node) int
	count = func(n *node) int {
		if n == nil || n.op == opReturn || seen[n] {
			return 0
		}
		seen[n] = true
		return 1 + count(n.t) + count(n.f)
	}
	return count(n)
}
