package gen

import (
	"slices"

	"golang.org/x/sys/unix"
)

// reach is how far a conditional jump can lead, less the two steps that may have
// to be put in between.
const reach = 255 - 2

// An assembler lays a graph out as a program. It works from the end to the
// start, because all jumps lead forward.
type assembler struct {
	code []unix.SockFilter // the last instruction first
	at   map[*node]int     // where in code the nearest copy of a node is
}

// assemble returns the program that starts at a node.
func assemble(start *node) []unix.SockFilter {
	a := assembler{at: map[*node]int{}}
	a.place(start)
	if a.distance(start) != 0 {
		a.step(start)
	}
	slices.Reverse(a.code)
	return a.code
}

func (a *assembler) push(n *node, in unix.SockFilter) {
	a.at[n] = len(a.code)
	a.code = append(a.code, in)
}

// distance is the jump that leads from an instruction pushed now to a node.
func (a *assembler) distance(n *node) int {
	return len(a.code) - 1 - a.at[n]
}

// place pushes a node after all that it leads to, unless it is there.
func (a *assembler) place(n *node) {
	if _, ok := a.at[n]; ok {
		return
	}
	switch {
	case n.op == opReturn:
		a.push(n, unix.SockFilter{Code: opReturn, K: n.k})
	case n.f == nil:
		a.place(n.t)
		if a.distance(n.t) != 0 {
			a.step(n.t)
		}
		a.push(n, unix.SockFilter{Code: n.op, K: n.k})
	default:
		a.place(n.f)
		a.place(n.t)
		for _, next := range []*node{n.f, n.t} {
			if a.distance(next) > reach {
				a.step(next)
			}
		}
		a.push(n, unix.SockFilter{Code: n.op, K: n.k, Jt: uint8(a.distance(n.t)), Jf: uint8(a.distance(n.f))})
	}
}

// step brings a node near: a copy of a return, or a jump to anything else.
func (a *assembler) step(n *node) {
	if n.op == opReturn {
		a.push(n, unix.SockFilter{Code: opReturn, K: n.k})
		return
	}
	a.push(n, unix.SockFilter{Code: opGoto, K: uint32(a.distance(n))})
}
