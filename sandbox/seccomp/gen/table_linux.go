package gen

import (
	"fmt"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
)

// Made are the choices that have programs of their own, by the end of their files' names.
var Made = map[string]seccomp.Choice{"-direct": seccomp.Direct(), "-supervised": seccomp.Supervised()}

// An Arch is an architecture that has a program.
type Arch struct {
	Name  string // GOARCH
	Audit uint32 // what the kernel calls it in seccomp_data
}

// Archs are the architectures, in the order of their names.
var Archs = []Arch{
	{"amd64", unix.AUDIT_ARCH_X86_64},
	{"arm64", unix.AUDIT_ARCH_AARCH64},
}

// Rows returns the table of an architecture by call number. Every call that
// x/sys knows there must have one row: on arm64 this fails for amd64, whose own
// rows are not compiled.
func (a Arch) Rows() (map[uint32]*seccomp.Row, error) {
	numbers, err := Numbers(a.Name)
	if err != nil {
		return nil, err
	}
	rows := map[uint32]*seccomp.Row{}
	for _, g := range seccomp.Groups() {
		for i := range g.Rows {
			r := g.Rows[i]
			nr, ok := numbers[r.Name]
			if !ok {
				continue // a row of the other architecture
			}
			if rows[nr] != nil {
				return nil, fmt.Errorf("%s: call %d (%s) has two rows", a.Name, nr, r.Name)
			}
			r.Nr = nr
			rows[nr] = &r
		}
	}
	for name, nr := range numbers {
		if rows[nr] == nil {
			return nil, fmt.Errorf("%s: call %d (%s) has no row", a.Name, nr, name)
		}
	}
	return rows, nil
}
