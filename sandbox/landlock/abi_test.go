//go:build linux

package landlock

import "testing"

func TestTableIsIndexedByVersion(t *testing.T) {
	for i, row := range abis {
		if row.version != i {
			t.Errorf("row %d is version %d", i, row.version)
		}
		if i == 0 {
			continue
		}
		before, now := abis[i-1].rights, row.rights
		if before.FS&^now.FS != 0 || before.Net&^now.Net != 0 || before.Scoped&^now.Scoped != 0 {
			t.Errorf("version %d lost rights of version %d", i, i-1)
		}
	}
	if last := abis[Newest].rights.FS; last != 1<<len(accessNames)-1 {
		t.Errorf("the newest version has %s, the names are %d", last, len(accessNames))
	}
}

func TestFor(t *testing.T) {
	const fixed = signalErratum
	for _, c := range []struct {
		abi, errata int
		want        int // the row
	}{
		{0, 0, 0},
		{1, 0, 1},
		{5, 0, 5},
		{6, 0, 5}, // the signal scope is broken
		{6, fixed, 6},
		{7, fixed, 7},
		{7, 1, 5},
		{40, fixed, Newest}, // a kernel of the future
	} {
		if got := For(c.abi, c.errata); got != abis[c.want].rights {
			t.Errorf("For(%d, %#x) = %+v, want row %d", c.abi, c.errata, got, c.want)
		}
	}
}

func TestGrantedRightsHaveNoDevices(t *testing.T) {
	for _, a := range []Access{Read, Write, Execute, ReadFile, WriteFile} {
		if a&(1<<6|1<<11) != 0 { // make_char, make_block
			t.Errorf("%s makes device nodes", a)
		}
		if a&TerminalIoctl != 0 {
			t.Errorf("%s gives ioctl on devices", a)
		}
	}
}
