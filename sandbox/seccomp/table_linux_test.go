package seccomp_test

import (
	"bufio"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sandrun/sandbox/seccomp"
	"sandrun/sandbox/seccomp/gen"
)

// archs returns the architectures whose tables can be had here: from arm64,
// which lacks the rows of amd64, only its own.
func archs() []gen.Arch {
	return slices.DeleteFunc(slices.Clone(gen.Archs), func(a gen.Arch) bool {
		return runtime.GOARCH != "amd64" && a.Name != runtime.GOARCH
	})
}

// rowsOf returns a table by number; gen.Arch.Rows fails when a call of x/sys has
// no row or two.
func rowsOf(t testing.TB, a gen.Arch) map[uint32]*seccomp.Row {
	t.Helper()
	rows, err := a.Rows()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestRowsAreComplete(t *testing.T) {
	for _, a := range archs() {
		if rows := rowsOf(t, a); len(rows) < 300 {
			t.Errorf("%s has %d rows", a.Name, len(rows))
		}
	}
}

// TestNativeNumbers holds the constants that the table compiles with against the
// names beside them.
func TestNativeNumbers(t *testing.T) {
	numbers, err := gen.Numbers(runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, g := range seccomp.Groups() {
		for _, r := range g.Rows {
			rows++
			if nr, ok := numbers[r.Name]; !ok || nr != r.Nr {
				t.Errorf("%s %s has the number %d, want %d", g.Name, r.Name, r.Nr, nr)
			}
			if got := seccomp.Name(int(r.Nr)); got != r.Name {
				t.Errorf("Name(%d) = %q, want %q", r.Nr, got, r.Name)
			}
		}
	}
	if rows != len(numbers) {
		t.Errorf("%d rows for %d calls", rows, len(numbers))
	}
	for _, nr := range []int{-1, 1023, 0x40000000} {
		if got := seccomp.Name(nr); got != "" {
			t.Errorf("Name(%d) = %q", nr, got)
		}
	}
}

// TestHeaderCalls holds the table against the header of the machine's kernel
// package, which may know calls that x/sys does not know yet.
func TestHeaderCalls(t *testing.T) {
	seen := 0
	for _, name := range []string{
		"/usr/include/asm/unistd_64.h", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
		"/usr/include/aarch64-linux-gnu/asm/unistd_64.h",
	} {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			words := strings.Fields(lines.Text())
			if len(words) != 3 || words[0] != "#define" || !strings.HasPrefix(words[1], "__NR_") {
				continue
			}
			nr, err := strconv.Atoi(words[2])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			seen++
			if got := seccomp.Name(nr); got != strings.TrimPrefix(words[1], "__NR_") {
				t.Errorf("%s: call %d is %s, the table says %q", name, nr, words[1], got)
			}
		}
	}
	t.Logf("%d calls of the header have a row", seen)
}

// TestReasons wants a reason for every call that is not simply allowed, one help
// for each group, and only known groups on one architecture alone.
func TestReasons(t *testing.T) {
	help := map[string]string{}
	for _, g := range seccomp.Groups() {
		if !strings.HasPrefix(g.Name, "@") || g.Help == "" || len(g.Rows) == 0 {
			t.Errorf("group %q is not complete", g.Name)
		}
		if old, ok := help[g.Name]; ok && old != g.Help {
			t.Errorf("group %s has two helps", g.Name)
		}
		help[g.Name] = g.Help
		for _, r := range g.Rows {
			if plain := r.Action == seccomp.Pass && r.Cases == nil; !plain && r.Why == "" {
				t.Errorf("%s %s has no reason", g.Name, r.Name)
			}
		}
	}
}

// TestCasesAreUseful finds cases that cannot hold, or that repeat the one before
// in vain.
func TestCasesAreUseful(t *testing.T) {
	for _, g := range seccomp.Groups() {
		for _, r := range g.Rows {
			if r.Cases == nil {
				continue
			}
			for i, c := range r.Cases() {
				var args [6]uint64
				for _, m := range c.If {
					args[m.Arg] |= m.Value
				}
				if got := r.Decide(&args); got != c.Then {
					t.Errorf("%s: case %d gives %#x for its own values, want %#x", r.Name, i, got, c.Then)
				}
				if c.Then == r.Action && i == len(r.Cases())-1 {
					t.Errorf("%s: the last case says what the row says", r.Name)
				}
			}
		}
	}
}
