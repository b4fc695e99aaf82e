package gen

import (
	"fmt"
	"math/bits"

	"golang.org/x/sys/unix"
)

// The instructions that a program is made of; libseccomp uses no others.
const (
	opLoad   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	opAnd    = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	opEqual  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	opAbove  = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
	opFrom   = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	opBits   = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	opGoto   = unix.BPF_JMP | unix.BPF_JA
	opReturn = unix.BPF_RET | unix.BPF_K
)

// A node is an instruction with its successors. Nodes never change, so equal
// ones can be shared.
type node struct {
	op   uint16
	k    uint32
	t, f *node // a load and an and have only t, a return has none
}

// needs reports whether the node looks at what was loaded before it.
func (n *node) needs() bool {
	return n.op != opLoad && n.op != opReturn
}

// A graph makes nodes, and makes each only once.
type graph map[node]*node

func (g graph) node(n node) *node {
	if old := g[n]; old != nil {
		return old
	}
	g[n] = &n
	return &n
}

func (g graph) ret(k uint32) *node {
	return g.node(node{op: opReturn, k: k})
}

func (g graph) load(offset uint32, next *node) *node {
	if !next.needs() {
		return next
	}
	return g.node(node{op: opLoad, k: offset, t: next})
}

// and leaves out a mask that decides nothing (libseccomp compares the free upper
// half of an argument: masked with 0, equal to 0), and tests single bits in one
// instruction.
func (g graph) and(mask uint32, next *node) *node {
	if next.op == opAnd {
		return g.and(mask&next.k, next.t)
	}
	if next.op == opEqual && !next.t.needs() && !next.f.needs() {
		switch {
		case next.k&^mask != 0:
			return next.f
		case mask == 0:
			return next.t
		case next.k == 0:
			return g.jump(opBits, mask, next.f, next.t)
		case bits.OnesCount32(mask) == 1:
			return g.jump(opBits, mask, next.t, next.f)
		}
	}
	return g.node(node{op: opAnd, k: mask, t: next})
}

func (g graph) jump(op uint16, k uint32, t, f *node) *node {
	if t == f {
		return t
	}
	return g.node(node{op: op, k: k, t: t, f: f})
}

// parse returns the graph of what a program does from an instruction on.
func (g graph) parse(code []unix.SockFilter, from int) (*node, error) {
	nodes := make([]*node, len(code))
	for i := len(code) - 1; i >= from; i-- {
		at := func(distance int) *node {
			if i+1+distance < len(code) {
				return nodes[i+1+distance]
			}
			return nil
		}
		in := code[i]
		t, f := at(int(in.Jt)), at(int(in.Jf))
		if in.Code == opGoto {
			t = at(int(in.K))
		}
		if in.Code != opReturn && (t == nil || f == nil) {
			return nil, fmt.Errorf("instruction %d leads out of the program", i)
		}
		switch in.Code {
		case opReturn:
			nodes[i] = g.ret(in.K)
		case opGoto:
			nodes[i] = t
		case opLoad:
			nodes[i] = g.load(in.K, t)
		case opAnd:
			nodes[i] = g.and(in.K, t)
		case opEqual, opAbove, opFrom:
			nodes[i] = g.jump(in.Code, in.K, t, f)
		default:
			return nil, fmt.Errorf("instruction %d has the unexpected code %#x", i, in.Code)
		}
	}
	return nodes[from], nil
}
