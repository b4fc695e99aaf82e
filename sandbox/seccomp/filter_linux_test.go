package seccomp_test

import (
	"fmt"
	"iter"
	"math/bits"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
	"sandrun/sandbox/seccomp/gen"
)

// embedded returns the checked-in program of an architecture, labels and all.
func embedded(t testing.TB, a gen.Arch) []unix.SockFilter {
	t.Helper()
	return read(t, a.Name)
}

func read(t testing.TB, name string) []unix.SockFilter {
	t.Helper()
	b, err := os.ReadFile("programs/" + name + ".bpf")
	if err != nil {
		t.Fatal(err)
	}
	if len(b) == 0 || len(b)%8 != 0 {
		t.Fatalf("%s.bpf has %d bytes", name, len(b))
	}
	return seccomp.Decode(string(b))
}

// programs are those of the choices, the ones that some have of their own included.
func programs(t testing.TB, a gen.Arch) iter.Seq2[seccomp.Choice, []unix.SockFilter] {
	code := embedded(t, a)
	own := map[seccomp.Choice][]unix.SockFilter{}
	for end, c := range gen.Made {
		own[c] = read(t, a.Name+end)
	}
	return func(yield func(seccomp.Choice, []unix.SockFilter) bool) {
		for c, program := range own {
			if !yield(c, program) {
				return
			}
		}
		for _, c := range choices() {
			if !yield(c, fold(code, c)) {
				return
			}
		}
	}
}

// TestOwnPrograms wants the choices that have a program of their own to get that.
func TestOwnPrograms(t *testing.T) {
	if len(gen.Made) != 2 {
		t.Errorf("%d choices have a program", len(gen.Made))
	}
	for end, c := range gen.Made {
		if got := seccomp.Program(c); !slices.Equal(got, read(t, runtime.GOARCH+end)) {
			t.Errorf("%s: not what the file has", end)
		}
		if own, folded := seccomp.Program(c), fold(embedded(t, native()), c); len(own) >= len(folded) {
			t.Errorf("%s: %d instructions, folded %d", end, len(own), len(folded))
		}
	}
}

func fold(code []unix.SockFilter, c seccomp.Choice) []unix.SockFilter {
	return seccomp.Fold(slices.Clone(code), c)
}

// all is the choice that gives every slot one verdict.
func all(v seccomp.Verdict) (c seccomp.Choice) {
	for s := range c {
		c[s] = v
	}
	return c
}

// choices are the uniform ones, those that differ from one in a single slot, and
// random ones.
func choices() (cs []seccomp.Choice) {
	verdicts := []seccomp.Verdict{seccomp.Deny, seccomp.Allow, seccomp.Notify}
	for _, base := range verdicts {
		cs = append(cs, all(base))
		for s := range seccomp.NumSlots {
			for _, v := range verdicts {
				if c := all(base); v != base {
					c[s] = v
					cs = append(cs, c)
				}
			}
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		var c seccomp.Choice
		for s := range c {
			c[s] = verdicts[r.IntN(len(verdicts))]
		}
		cs = append(cs, c)
	}
	return cs
}

// x32 marks a number of the x32 architecture, which has no audit number of its own.
const x32 = 0x40000000

// An expectation is a call and what the table says about it, slots still open.
type expectation struct {
	call
	want seccomp.Action
}

// expectations are the calls that matter on an architecture: every number with
// arguments of zeros and of ones, x32, foreign architectures, and for each
// conditional call the patterns of its conditions.
func expectations(a gen.Arch, rows map[uint32]*seccomp.Row) (es []expectation) {
	for nr := range uint32(1024) {
		for _, fill := range []uint64{0, ^uint64(0)} {
			args := [6]uint64{fill, fill, fill, fill, fill, fill}
			want := seccomp.Unknown
			if r := rows[nr]; r != nil {
				want = r.Decide(&args)
			}
			es = append(es,
				expectation{call{nr, a.Audit, args}, want},
				expectation{call{nr | x32, a.Audit, args}, seccomp.Unknown},
				expectation{call{nr, unix.AUDIT_ARCH_I386, args}, seccomp.Kill},
				expectation{call{nr, unix.AUDIT_ARCH_ARM, args}, seccomp.Kill})
			for _, other := range gen.Archs {
				if other != a {
					es = append(es, expectation{call{nr, other.Audit, args}, seccomp.Kill})
				}
			}
		}
	}
	for _, nr := range []uint32{0xffffffff, 0x7fffffff, 0x80000000, 0xbfffffff} {
		es = append(es, expectation{call{nr: nr, arch: a.Audit}, seccomp.Unknown})
	}
	for nr, r := range rows {
		if r.Cases == nil {
			continue
		}
		for _, args := range append(patterns(r.Cases()), flips(r.Cases())...) {
			es = append(es, expectation{call{nr, a.Audit, args}, r.Decide(&args)})
			// A search that is off by one lands in the conditions of a neighbour.
			for _, near := range []uint32{nr - 1, nr + 1} {
				want := seccomp.Unknown
				if n := rows[near]; n != nil {
					want = n.Decide(&args)
				}
				if want == r.Decide(&args) || near > nr+1 {
					continue // tells nothing
				}
				es = append(es, expectation{call{near, a.Audit, args}, want})
			}
		}
	}
	return es
}

// patterns returns the arguments that the cases can tell apart, and then some:
// for each argument every value, its neighbours, the halves of the register, what
// lies outside of the mask, and all unions of bits that are tested; of these all
// combinations.
func patterns(cases []seccomp.Case) (ps [][6]uint64) {
	var values [6][]uint64
	var tested [6]uint64
	for _, c := range cases {
		for _, m := range c.If {
			values[m.Arg] = append(values[m.Arg], m.Value, m.Value|^m.Mask, m.Value+1, m.Value-1,
				m.Value^m.Mask, m.Value|0xffffffff<<32, m.Value|1<<32, 0, 1, ^uint64(0), 0xffffffff, 0xffffffff<<32)
			if bits.OnesCount64(m.Mask) < 32 {
				tested[m.Arg] |= m.Mask
			}
		}
	}
	ps = [][6]uint64{{}, {^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}}
	for arg, v := range values {
		if len(v) == 0 {
			continue
		}
		for union := tested[arg]; union != 0; union = (union - 1) & tested[arg] {
			v = append(v, union)
		}
		slices.Sort(v)
		v = slices.Compact(v)
		var next [][6]uint64
		for _, p := range ps {
			for _, x := range v {
				p[arg] = x
				next = append(next, p)
			}
		}
		ps = next
	}
	return ps
}

// flips returns the arguments that just satisfy each case, and those with one bit
// of an argument that the cases look at the other way round.
func flips(cases []seccomp.Case) (ps [][6]uint64) {
	var used [6]bool
	for _, c := range cases {
		for _, m := range c.If {
			used[m.Arg] = true
		}
	}
	for _, c := range append(cases, seccomp.Case{}) {
		var args [6]uint64
		for _, m := range c.If {
			args[m.Arg] |= m.Value
		}
		ps = append(ps, args)
		for arg := range args {
			for bit := 0; bit < 64 && used[arg]; bit++ {
				flipped := args
				flipped[arg] ^= 1 << bit
				ps = append(ps, flipped)
			}
		}
	}
	return ps
}

// TestProgramsEqualTable runs every program on everything that matters.
func TestProgramsEqualTable(t *testing.T) {
	for _, a := range archs() {
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			es := expectations(a, rowsOf(t, a))
			n := 0
			for c, program := range programs(t, a) {
				n++
				for i := range es {
					e := &es[i]
					if got, _ := run(program, &e.call); got != e.want.Answer(&c) {
						t.Fatalf("choice %v: %+v gives %#x, want %#x", c, e.call, got, e.want.Answer(&c))
					}
				}
			}
			t.Logf("%d choices, %d calls each", n, len(es))
		})
	}
}

// TestSettledCalls wants every call that a choice settles to be decided before
// an argument is loaded: only then the kernel caches the verdict.
func TestSettledCalls(t *testing.T) {
	for _, a := range archs() {
		rows := rowsOf(t, a)
		for c, program := range programs(t, a) {
			for nr, r := range rows {
				_, far := run(program, &call{nr: nr, arch: a.Audit})
				if settled(r, &c) && far > 4 {
					t.Fatalf("choice %v: %s loads offset %d", c, r.Name, far)
				}
			}
		}
	}
}

// settled reports whether all cases of a row come to the same answer.
func settled(r *seccomp.Row, c *seccomp.Choice) bool {
	if r.Cases == nil {
		return true
	}
	return !slices.ContainsFunc(r.Cases(), func(cs seccomp.Case) bool {
		return cs.Then.Answer(c) != r.Action.Answer(c)
	})
}

// TestNoLabelSurvives also bounds the size: the kernel takes 4096 instructions,
// and installing costs time for each.
func TestNoLabelSurvives(t *testing.T) {
	for _, a := range gen.Archs {
		code := embedded(t, a)
		for c, program := range programs(t, a) {
			if len(program) > 660 {
				t.Fatalf("%s, choice %v: %d instructions", a.Name, c, len(program))
			}
			for _, in := range program {
				if _, open := seccomp.Action(in.K).Slot(); open && in.Code == unix.BPF_RET {
					t.Fatalf("%s, choice %v: a label survives", a.Name, c)
				}
			}
		}
		t.Logf("%s: %d instructions; deny %d, allow %d, notify %d", a.Name, len(code),
			len(fold(code, all(seccomp.Deny))), len(fold(code, all(seccomp.Allow))), len(fold(code, all(seccomp.Notify))))
	}
}

func FuzzFold(f *testing.F) { f.Fuzz(checkFold) }

func TestFold(t *testing.T) {
	for seed := range uint64(500) {
		checkFold(t, seed)
	}
}

func checkFold(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 5))
	code := randomProgram(r)
	var c seccomp.Choice
	for s := range c {
		c[s] = seccomp.Verdict(r.IntN(3))
	}
	folded := fold(code, c)
	if len(folded) > len(code) {
		t.Fatalf("%d instructions became %d", len(code), len(folded))
	}
	for range 50 {
		data := randomCall(r)
		before, _ := run(code, &data)
		if after, _ := run(folded, &data); after != before.Answer(&c) {
			t.Fatalf("%v: %v gives %#x, folded to %v %#x", data, code, before, folded, after)
		}
	}
	if again := fold(folded, c); fmt.Sprint(again) != fmt.Sprint(folded) {
		t.Fatalf("folding again changes %v to %v", folded, again)
	}
}
