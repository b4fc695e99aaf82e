package gen

import "sandrun/sandbox/seccomp"

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

// shorter returns the graph that makes the shorter programs: with all its labels, and as
// most launches answer them. Nil is longer than any.
func (g graph) shorter(a, b *node) *node {
	length := func(n *node) int {
		c := seccomp.Direct()
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
