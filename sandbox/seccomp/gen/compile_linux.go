//go:build cgo && libseccomp

package gen

import (
	"errors"
	"fmt"
	"os"

	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
)

// Compile makes the programs of an architecture by the end of their files' names: "" has
// a label for every slot, and Made the others.
func Compile(a Arch) (map[string][]unix.SockFilter, error) {
	rows, err := a.Rows()
	if err != nil {
		return nil, err
	}
	g := graph{}
	calls := map[uint32]*node{}
	for nr, r := range rows {
		if r.Cases == nil {
			calls[nr] = g.ret(uint32(r.Action))
			continue
		}
		if calls[nr], err = body(g, r); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Name, err)
		}
	}
	programs := map[string][]unix.SockFilter{"": assemble(layout(g, a.Audit, calls))}
	for end, c := range Made {
		done, answered := map[*node]*node{}, map[uint32]*node{}
		for nr, n := range calls {
			answered[nr] = g.answered(n, &c, done)
		}
		programs[end] = assemble(layout(g, a.Audit, answered))
	}
	return programs, nil
}

// stand is the number under which libseccomp compiles the conditions of every
// call, always for amd64: it translates numbers to other architectures by name
// and knows no name after Linux 5.14, but conditions are the same on both.
const stand = "memfd_secret"

// body compiles the conditions of one call.
func body(g graph, r *seccomp.Row) (*node, error) {
	filter, err := newFilter(r.Action)
	if err != nil {
		return nil, err
	}
	defer filter.Release()
	call, err := libseccomp.GetSyscallFromName(stand)
	if err != nil {
		return nil, err
	}
	if err := AddRules(filter, call, r); err != nil {
		return nil, err
	}
	code, err := Export(filter)
	if err != nil {
		return nil, err
	}
	nr, err := libseccomp.GetSyscallFromNameByArch(stand, libseccomp.ArchAMD64)
	if err != nil {
		return nil, err
	}
	for i, in := range code {
		if in.Code == opEqual && in.K == uint32(nr) {
			n, err := g.parse(code, i+1+int(in.Jt))
			if err != nil {
				return nil, err
			}
			return g.diagram(n)
		}
	}
	return nil, errors.New("libseccomp did not compare the number")
}

// newFilter returns an empty filter for amd64.
func newFilter(otherwise seccomp.Action) (*libseccomp.ScmpFilter, error) {
	filter, err := libseccomp.NewFilter(ScmpAction(otherwise))
	if err != nil {
		return nil, err
	}
	native, err := libseccomp.GetNativeArch()
	if err == nil && native != libseccomp.ArchAMD64 {
		if err = filter.AddArch(libseccomp.ArchAMD64); err == nil {
			err = filter.RemoveArch(native)
		}
	}
	return filter, err
}

// AddRules adds the cases of a row to a filter whose default is the row's action.
func AddRules(filter *libseccomp.ScmpFilter, call libseccomp.ScmpSyscall, r *seccomp.Row) error {
	for _, p := range disjoint(r.Cases()) {
		if p.then == r.Action {
			continue // libseccomp refuses rules that repeat the default
		}
		if err := addRule(filter, call, p); err != nil {
			return err
		}
	}
	return nil
}

// addRule adds what one part says.
func addRule(filter *libseccomp.ScmpFilter, call libseccomp.ScmpSyscall, p part) error {
	var conditions []libseccomp.ScmpCondition
	for arg, m := range p.cube {
		if m.mask == 0 {
			continue
		}
		c, err := libseccomp.MakeCondition(uint(arg), libseccomp.CompareMaskedEqual, m.mask, m.value)
		if err != nil {
			return err
		}
		conditions = append(conditions, c)
	}
	return filter.AddRuleConditionalExact(call, ScmpAction(p.then), conditions)
}

// ScmpAction translates an action of the table.
func ScmpAction(a seccomp.Action) libseccomp.ScmpAction {
	data := int16(a & unix.SECCOMP_RET_DATA)
	switch a & unix.SECCOMP_RET_ACTION_FULL {
	case unix.SECCOMP_RET_ALLOW:
		return libseccomp.ActAllow
	case unix.SECCOMP_RET_ERRNO:
		return libseccomp.ActErrno.SetReturnCode(data)
	case unix.SECCOMP_RET_TRACE:
		return libseccomp.ActTrace.SetReturnCode(data)
	case unix.SECCOMP_RET_USER_NOTIF:
		return libseccomp.ActNotify
	}
	return libseccomp.ActKillProcess
}

// Export returns the program of a filter. libseccomp 2.5 writes to files only.
func Export(filter *libseccomp.ScmpFilter) ([]unix.SockFilter, error) {
	f, err := os.CreateTemp("", "sandrun-*.bpf")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := filter.ExportBPF(f); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		return nil, err
	}
	return seccomp.Decode(string(b)), nil
}
