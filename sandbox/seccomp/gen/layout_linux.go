package gen

import (
	"cmp"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
)

// Offsets in struct seccomp_data (include/uapi/linux/seccomp.h).
const (
	offsetNr   = 0
	offsetArch = 4
)

// layout returns the whole program of an architecture: the architecture first,
// then the number, and arguments only after both are decided, because the kernel
// keeps the answer for a number only when nothing else was loaded on the way.
// Numbers above the table, those of x32 among them, are unknown.
func layout(g graph, arch uint32, calls map[uint32]*node) *node {
	top := uint32(0)
	for nr := range calls {
		top = max(top, nr)
	}
	unknown := g.ret(uint32(seccomp.Unknown))
	var all []span
	for nr := uint32(0); nr <= top+1; nr++ {
		all = append(all, span{nr, cmp.Or(calls[nr], unknown)})
	}
	known := g.load(offsetNr, search(g, merged(all)))
	return g.load(offsetArch, g.jump(opEqual, arch, known, g.ret(uint32(seccomp.Kill))))
}

// Bytes returns a program as the files hold it.
func Bytes(code []unix.SockFilter) []byte {
	b := make([]byte, 0, 8*len(code))
	for _, in := range code {
		b = append(b, byte(in.Code), byte(in.Code>>8), in.Jt, in.Jf,
			byte(in.K), byte(in.K>>8), byte(in.K>>16), byte(in.K>>24))
	}
	return b
}
