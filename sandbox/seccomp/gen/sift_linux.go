package gen

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
