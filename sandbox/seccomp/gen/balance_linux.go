package gen

import (
	"cmp"
	"slices"
)

// chain is how many comparisons in a row are worth a search instead: libseccomp
// compares an argument with one value after the other.
const chain = 4

// balance returns a graph that does the same, with searches in place of chains
// of comparisons. Neighbouring values with one outcome become one span.
func (g graph) balance(n *node, done map[*node]*node) *node {
	if b := done[n]; b != nil || n.op == opReturn {
		return cmp.Or(b, n)
	}
	var b *node
	switch values, rest := equals(n); {
	case len(values) >= chain:
		for i := range values {
			values[i].to = g.balance(values[i].to, done)
		}
		b = search(g, spans(values, g.balance(rest, done)))
	case n.f == nil:
		b = g.node(node{op: n.op, k: n.k, t: g.balance(n.t, done)})
	default:
		b = g.jump(n.op, n.k, g.balance(n.t, done), g.balance(n.f, done))
	}
	done[n] = b
	return b
}

// equals returns the values that a chain of comparisons starting here tells
// apart, in order, and where every other value leads.
func equals(n *node) (values []span, rest *node) {
	for ; n.op == opEqual; n = n.f {
		if !slices.ContainsFunc(values, func(s span) bool { return s.from == n.k }) {
			values = append(values, span{n.k, n.t})
		}
	}
	slices.SortFunc(values, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	return values, n
}

// spans fills the gaps between single values.
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
	// Neighbours with one outcome are one span.
	return slices.CompactFunc(all, func(a, b span) bool { return a.to == b.to })
}
