//go:build cgo && libseccomp

package seccomp_test

import (
	"slices"
	"testing"

	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
	"sandrun/sandbox/seccomp/gen"
)

// TestProgramsAreCurrent compiles the table again: the same bytes, and, should
// another version of libseccomp lay them out differently, at least the same
// verdicts.
func TestProgramsAreCurrent(t *testing.T) {
	for _, a := range archs() {
		made, err := gen.Compile(a)
		if err != nil {
			t.Fatal(err)
		}
		es := expectations(a, rowsOf(t, a))
		for end, now := range made {
			name := a.Name + end
			old := read(t, name)
			for _, e := range es {
				before, _ := run(old, &e.call)
				if after, _ := run(now, &e.call); after != before {
					t.Fatalf("%s: %+v gives %#x, checked in is %#x", name, e.call, after, before)
				}
			}
			if !slices.Equal(old, now) {
				t.Errorf("programs/%s.bpf is not what go generate makes now", name)
			}
		}
	}
}

// TestSecondOpinion lets libseccomp build whole filters of this machine, with
// nothing of package gen but the splitting of cases. A call whose cases matter
// goes to the filter that has the row's own action as its default.
func TestSecondOpinion(t *testing.T) {
	a := native()
	rows := rowsOf(t, a)
	es := slices.DeleteFunc(expectations(a, rows), func(e expectation) bool {
		return e.nr >= x32 // a foreign architecture to libseccomp, unknown calls to us
	})
	for i, c := range choices() {
		if i%25 != 0 {
			continue // libseccomp takes its time
		}
		program := fold(embedded(t, a), c)
		opinions := wholeFilters(t, rows, &c)
		for _, e := range es {
			opinion := opinions[seccomp.Unknown]
			if r := rows[e.nr]; r != nil && !settled(r, &c) {
				opinion = opinions[r.Action.Answer(&c)]
			}
			want, _ := run(opinion, &e.call)
			if got, _ := run(program, &e.call); got != want {
				t.Fatalf("choice %v: %+v gives %#x, libseccomp says %#x", c, e.call, got, want)
			}
		}
	}
}

// wholeFilters returns programs by their default action.
func wholeFilters(t *testing.T, rows map[uint32]*seccomp.Row, c *seccomp.Choice) map[seccomp.Action][]unix.SockFilter {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	filters := map[seccomp.Action]*libseccomp.ScmpFilter{}
	filter := func(otherwise seccomp.Action) *libseccomp.ScmpFilter {
		f := filters[otherwise]
		if f == nil {
			var err error
			f, err = libseccomp.NewFilter(gen.ScmpAction(otherwise))
			check(err)
			check(f.SetBadArchAction(libseccomp.ActKillProcess))
			filters[otherwise] = f
		}
		return f
	}
	for nr, r := range rows {
		call, then := libseccomp.ScmpSyscall(nr), r.Action.Answer(c)
		switch {
		case !settled(r, c):
			check(gen.AddRules(filter(then), call, answered(r, c)))
		case then != seccomp.Unknown:
			check(filter(seccomp.Unknown).AddRuleExact(call, gen.ScmpAction(then)))
		}
	}
	programs := map[seccomp.Action][]unix.SockFilter{}
	for otherwise, f := range filters {
		code, err := gen.Export(f)
		check(err)
		f.Release()
		programs[otherwise] = code
	}
	return programs
}

// answered returns a row whose slots a choice has closed.
func answered(r *seccomp.Row, c *seccomp.Choice) *seccomp.Row {
	closed := *r
	closed.Action = r.Action.Answer(c)
	closed.Cases = func() []seccomp.Case {
		cases := r.Cases()
		for i := range cases {
			cases[i].Then = cases[i].Then.Answer(c)
		}
		return cases
	}
	return &closed
}
