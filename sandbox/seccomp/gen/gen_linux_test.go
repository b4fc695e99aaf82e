package gen

import (
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
)

// randomCases draws conditions on three arguments with few bits, so that they
// overlap.
func randomCases(r *rand.Rand) []seccomp.Case {
	cases := make([]seccomp.Case, r.IntN(6))
	for i := range cases {
		cases[i].Then = seccomp.Action(r.Uint32N(4))
		for range r.IntN(4) {
			mask := r.Uint64N(16) | r.Uint64N(2)<<40
			cases[i].If = append(cases[i].If, seccomp.Match{Arg: r.IntN(3), Mask: mask, Value: r.Uint64() & mask})
		}
	}
	return cases
}

func (c cube) holds(args *[6]uint64) bool {
	for i, m := range c {
		if args[i]&m.mask != m.value {
			return false
		}
	}
	return true
}

// FuzzDisjoint wants each call to be in the one part that the first case says,
// or in none.
func FuzzDisjoint(f *testing.F) { f.Fuzz(checkDisjoint) }

func TestDisjoint(t *testing.T) {
	for seed := range uint64(300) {
		checkDisjoint(t, seed)
	}
}

func checkDisjoint(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	cases := randomCases(r)
	const otherwise = 99
	row := seccomp.Row{Action: otherwise, Cases: func() []seccomp.Case { return cases }}
	parts := disjoint(cases)
	for range 200 {
		args := [6]uint64{r.Uint64(), r.Uint64(), r.Uint64()}
		found, got := 0, seccomp.Action(otherwise)
		for _, p := range parts {
			if p.holds(&args) {
				found, got = found+1, p.then
			}
		}
		if want := row.Decide(&args); found > 1 || got != want {
			t.Fatalf("%v: %#x is in %d parts and gives %d, want %d", cases, args, found, got, want)
		}
	}
}

// walk follows a graph.
func walk(n *node, data *[16]uint32) uint32 {
	var a uint32
	for {
		next := n.t
		switch n.op {
		case opReturn:
			return n.k
		case opLoad:
			a = data[n.k/4]
		case opAnd:
			a &= n.k
		default:
			if !jumps(n.op, a, n.k) {
				next = n.f
			}
		}
		n = next
	}
}

func jumps(op uint16, a, k uint32) bool {
	switch op {
	case opEqual:
		return a == k
	case opAbove:
		return a > k
	case opFrom:
		return a >= k
	case opBits:
		return a&k != 0
	}
	panic("no jump")
}

// runCode follows a program.
func runCode(code []unix.SockFilter, data *[16]uint32) uint32 {
	var a uint32
	for i := 0; ; i++ {
		switch in := code[i]; in.Code {
		case opReturn:
			return in.K
		case opGoto:
			i += int(in.K)
		case opLoad:
			a = data[in.K/4]
		case opAnd:
			a &= in.K
		default:
			if jumps(in.Code, a, in.K) {
				i += int(in.Jt)
			} else {
				i += int(in.Jf)
			}
		}
	}
}

// randomCode returns a program as libseccomp could write it, long enough for
// jumps that do not fit into eight bits when many is large.
func randomCode(r *rand.Rand, many int) []unix.SockFilter {
	ops := []uint16{opLoad, opAnd, opEqual, opEqual, opEqual, opAbove, opFrom, opGoto}
	code := make([]unix.SockFilter, many)
	for i := range code {
		left := many - 1 - i
		in := unix.SockFilter{Code: ops[r.IntN(len(ops))], K: r.Uint32N(8)}
		switch {
		case left == 0 || r.IntN(8) == 0:
			in = unix.SockFilter{Code: opReturn, K: r.Uint32N(40)}
		case in.Code == opLoad:
			in.K = 4 * r.Uint32N(16)
		case in.Code == opGoto:
			in.K = r.Uint32N(uint32(min(left, 600)))
		case in.Code != opAnd:
			in.Jt, in.Jf = uint8(r.IntN(min(left, 256))), uint8(r.IntN(min(left, 256)))
			if r.IntN(2) == 0 {
				in.Jf = 0 // a chain
			}
		}
		code[i] = in
	}
	return code
}

// FuzzGraph wants parsing and assembling to keep what a program does.
func FuzzGraph(f *testing.F) { f.Fuzz(checkGraph) }

func TestGraph(t *testing.T) {
	for seed := range uint64(300) {
		checkGraph(t, seed)
	}
}

func checkGraph(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 2))
	code := randomCode(r, 1+r.IntN(1500))
	g := graph{}
	start, err := g.parse(code, 0)
	if err != nil {
		t.Fatal(err)
	}
	again := assemble(start)
	for range 200 {
		var data [16]uint32
		for i := range data {
			data[i] = r.Uint32N(10)
		}
		want := runCode(code, &data)
		if got := walk(start, &data); got != want {
			t.Fatalf("the graph gives %d, want %d", got, want)
		}
		if got := runCode(again, &data); got != want {
			t.Fatalf("the program gives %d, want %d", got, want)
		}
	}
}

// The words that random graphs ask for: of one the whole, of the others some bits. Every
// value is tried in every order, so that they are few.
var (
	wholeWords = []uint32{16}
	bitWords   = []uint32{24, 28}
)

// randomGraph returns a graph that asks for a word again and again, and whose returns are
// labels and others.
func randomGraph(r *rand.Rand, g graph, depth int) *node {
	if depth == 0 || r.IntN(8) == 0 {
		if r.IntN(2) == 0 {
			return g.ret(r.Uint32N(4))
		}
		return g.ret(uint32(unix.SECCOMP_RET_TRACE | r.Uint32N(uint32(seccomp.NumSlots))<<8 | r.Uint32N(3)))
	}
	t, f := randomGraph(r, g, depth-1), randomGraph(r, g, depth-1)
	if r.IntN(2) == 0 {
		return g.load(wholeWords[r.IntN(len(wholeWords))], g.jump(opEqual, r.Uint32N(6), t, f))
	}
	word, mask := bitWords[r.IntN(len(bitWords))], 1+r.Uint32N(7)
	if r.IntN(3) == 0 {
		return g.load(word, g.jump(opBits, mask, t, f))
	}
	equal := g.jump(opEqual, r.Uint32()&mask, t, f)
	if !equal.needs() {
		return g.load(word, equal)
	}
	return g.load(word, g.and(mask, equal))
}

// FuzzDiagram wants a diagram to do what its graph does, to ask for no word twice, and to
// stay right when a choice closes its labels.
func FuzzDiagram(f *testing.F) { f.Fuzz(checkDiagram) }

func TestDiagram(t *testing.T) {
	for seed := range uint64(300) {
		checkDiagram(t, seed)
	}
}

func checkDiagram(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 3))
	g := graph{}
	start := randomGraph(r, g, 1+r.IntN(4))
	d, err := g.diagram(start)
	if err != nil {
		t.Fatal(err)
	}
	var once func(n *node, seen uint64)
	once = func(n *node, seen uint64) {
		if n == nil {
			return
		}
		if n.op == opLoad {
			if seen>>n.k&1 != 0 {
				t.Fatalf("the word at %d is asked for twice", n.k)
			}
			seen |= 1 << n.k
		}
		once(n.t, seen)
		once(n.f, seen)
	}
	once(d, 0)
	c := seccomp.Direct()
	closed := g.answered(d, &c, map[*node]*node{})
	for range 500 {
		var data [16]uint32
		for i := range data {
			if data[i] = r.Uint32N(8); r.IntN(3) == 0 {
				data[i] = r.Uint32()
			}
		}
		want := walk(start, &data)
		if got := walk(d, &data); got != want {
			t.Fatalf("the diagram gives %#x for %x, want %#x", got, data, want)
		}
		if got, want := walk(closed, &data), uint32(seccomp.Action(want).Answer(&c)); got != want {
			t.Fatalf("under the usual choice the diagram gives %#x for %x, want %#x", got, data, want)
		}
	}
}

// TestNoDiagram: what cannot be asked for once is refused, not got wrong.
func TestNoDiagram(t *testing.T) {
	g := graph{}
	a, b, c := g.ret(1), g.ret(2), g.ret(3)
	for name, n := range map[string]*node{
		"whole and in part": g.load(16, g.jump(opEqual, 3, a, g.load(16, g.jump(opBits, 1, b, c)))),
		"by order":          g.load(16, g.jump(opAbove, 3, a, b)),
		"too wide":          g.load(16, g.jump(opBits, 0xfffff, a, b)),
	} {
		if d, err := g.diagram(n); err == nil {
			t.Errorf("%s: no error, but %v", name, d)
		}
	}
}

// FuzzSearch wants every number to lead where its span says.
func FuzzSearch(f *testing.F) { f.Fuzz(checkSearch) }

func TestSearch(t *testing.T) {
	for seed := range uint64(500) {
		checkSearch(t, seed)
	}
}

func checkSearch(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 4))
	g := graph{}
	all := []span{{0, randomGraph(r, g, 0)}}
	for range r.IntN(120) {
		from, step := all[len(all)-1].from, 1+r.Uint32N(3)
		if r.IntN(20) == 0 {
			step = r.Uint32()
		}
		if from+step <= from {
			break
		}
		all = append(all, span{from + step, randomGraph(r, g, 0)})
	}
	if r.IntN(4) == 0 && all[len(all)-1].from != 1<<32-1 {
		all = append(all, span{1<<32 - 1, randomGraph(r, g, 0)})
	}
	found := g.load(0, search(g, merged(slices.Clone(all))))
	for i, s := range all {
		end := uint32(1<<32 - 1)
		if i+1 < len(all) {
			end = all[i+1].from - 1
		}
		for _, number := range []uint32{s.from, end, s.from + (end-s.from)/2} {
			if got := walk(found, &[16]uint32{number}); got != s.to.k {
				t.Fatalf("%#x leads to %#x, want %#x (of %d spans)", number, got, s.to.k, len(all))
			}
		}
	}
}

// TestFarJumps lays out a search whose halves are farther apart than a jump can
// lead, with everything shared.
func TestFarJumps(t *testing.T) {
	g := graph{}
	calls := map[uint32]*node{}
	for nr := range uint32(2000) {
		// 500 different bodies, each used four times.
		calls[nr] = g.load(16, g.jump(opEqual, nr%500, g.ret(nr%7), g.load(24, g.jump(opAbove, 3, g.ret(50), g.ret(51)))))
	}
	code := assemble(layout(g, 77, calls))
	for nr := range uint32(2100) {
		for _, arg := range []uint32{0, nr % 500} {
			want := uint32(51)
			switch {
			case nr >= 2000:
				want = uint32(seccomp.Unknown)
			case arg == nr%500:
				want = nr % 7
			}
			if got := runCode(code, &[16]uint32{nr, 77, 0, 0, arg}); got != want {
				t.Fatalf("call %d gives %#x, want %#x", nr, got, want)
			}
		}
	}
	if got := runCode(code, &[16]uint32{1, 78}); got != uint32(seccomp.Kill) {
		t.Errorf("a foreign architecture gives %#x", got)
	}
}

// TestParseRefuses wants what the compiler must never meet to be an error.
func TestParseRefuses(t *testing.T) {
	ret := unix.SockFilter{Code: opReturn}
	for name, code := range map[string][]unix.SockFilter{
		"jump out":   {{Code: opEqual, Jt: 1}, ret},
		"goto out":   {{Code: opGoto, K: 1}, ret},
		"no return":  {{Code: opLoad}},
		"other code": {{Code: unix.BPF_ST}, ret},
	} {
		if _, err := (graph{}).parse(code, 0); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestBytes wants the files to be read as they were written.
func TestBytes(t *testing.T) {
	code := []unix.SockFilter{{Code: 0x1234, Jt: 5, Jf: 6, K: 0x789abcde}, {Code: opReturn, K: 1}}
	if got := seccomp.Decode(string(Bytes(code))); len(got) != 2 || got[0] != code[0] || got[1] != code[1] {
		t.Errorf("%v became %v", code, got)
	}
}
