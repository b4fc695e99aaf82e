package gen

import (
	"math/bits"

	"sandrun/sandbox/seccomp"
)

// A cube is a set of argument registers: those whose masked bits have the given
// value. Bits outside of the mask are free.
type cube [6]struct{ mask, value uint64 }

// cubeOf returns the cube of a case, or false when nothing satisfies it.
func cubeOf(matches []seccomp.Match) (c cube, ok bool) {
	for _, m := range matches {
		a := &c[m.Arg]
		if both := a.mask & m.Mask; m.Value&^m.Mask != 0 || (a.value^m.Value)&both != 0 {
			return c, false
		}
		a.mask |= m.Mask
		a.value |= m.Value
	}
	return c, true
}

// minus returns disjoint cubes that hold what is in c and not in d.
func (c cube) minus(d cube) (rest []cube) {
	for i := range c {
		if both := c[i].mask & d[i].mask; (c[i].value^d[i].value)&both != 0 {
			return []cube{c}
		}
	}
	// Bit by bit: what differs in this bit is outside of d; go on with the half
	// that agrees.
	for i := range c {
		for free := d[i].mask &^ c[i].mask; free != 0; free &= free - 1 {
			bit := uint64(1) << bits.TrailingZeros64(free)
			out := c
			out[i].mask |= bit
			out[i].value |= ^d[i].value & bit
			rest = append(rest, out)
			c[i].mask |= bit
			c[i].value |= d[i].value & bit
		}
	}
	return rest
}

// A part is a cube with the action of its case.
type part struct {
	cube
	then seccomp.Action
}

// disjoint turns the cases of a row, where the first that holds decides, into
// parts that do not overlap: libseccomp does not promise an order.
func disjoint(cases []seccomp.Case) (parts []part) {
	var seen []cube
	for _, cs := range cases {
		c, ok := cubeOf(cs.If)
		if !ok {
			continue
		}
		rest := []cube{c}
		for _, s := range seen {
			var next []cube
			for _, r := range rest {
				next = append(next, r.minus(s)...)
			}
			rest = next
		}
		for _, r := range rest {
			parts = append(parts, part{r, cs.Then})
		}
		seen = append(seen, c)
	}
	return parts
}
