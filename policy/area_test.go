package policy_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"

	"sandrun/policy"
)

func TestAreas(t *testing.T) {
	for _, row := range []struct {
		kind    policy.AreaKind
		path    string
		covers  string // between blanks
		refuses string
	}{
		{policy.AreaEverything, "", "/ /a /a/b", ""},
		{policy.AreaFile, "/a", "/a", "/ /a/b /ab /A"},
		{policy.AreaTree, "/a", "/a /a/b /a/b/c", "/ /ab /A /b/a"},
		{policy.AreaTree, "/", "/ /a /a/b", ""},
		{policy.AreaPrefix, "/x/foo", "/x/foo /x/foo2 /x/foo/y", "/ /x /x/f /x/fo /x/Foo /y/foo"},     // CVE-2026-106071
		{policy.AreaPrefix, "/etc/passwd.", "/etc/passwd.bak", "/etc/passwd /etc/passw /etc/passwd-"}, // the same
		{policy.AreaPrefix, "/a/..", "/a/..x", "/a /a/.x /"},
		{policy.AreaGlob, "/a/*.js", "/a/x.js /a/.js", "/a /a/x.jsx /a/b/x.js /a/x.js/y /x.js"},
		{policy.AreaGlob, "/a/**/*.js", "/a/x.js /a/b/x.js /a/b/c/x.js", "/a /x.js /b/a/x.js /a/x.js/y"},
		{policy.AreaGlob, "/**", "/ /a /a/b", ""},
		{policy.AreaGlob, "/a/**", "/a /a/b /a/b/c", "/ /ab"},
		{policy.AreaGlob, "/*", "/a", "/ /a/b"},
		{policy.AreaGlob, "/**/a/**/b", "/a/b /x/a/y/b /a/a/b/b", "/a /b /x/a /ab /a/bc"},
		{policy.AreaGlob, "/a[!b]c", "/axc", "/a/c /abc /ac"},
		{policy.AreaGlob, "/a?c", "/axc /aüc", "/a/c /ac /axxc"},
		{policy.AreaGlob, "/a[+-9]c", "/a0c", "/a/c"},
		{policy.AreaGlob, "/{a,b}x", "/ax /bx", "/abx /x"},
		{policy.AreaGlob, `/\*\[`, "/*[", "/a["},
		{policy.AreaGlob, "/\uFFFD", "", "/\xff /a"}, // the matcher takes broken bytes for it
	} {
		a := policy.Area{Kind: row.kind, Path: row.path}
		for p := range strings.FieldsSeq(row.covers) {
			if !a.Covers(p) {
				t.Errorf("%+v does not cover %q", a, p)
			}
		}
		for p := range strings.FieldsSeq(row.refuses) {
			if a.Covers(p) {
				t.Errorf("%+v covers %q", a, p)
			}
		}
	}
}

// An area without a shape or without a path covers nothing.
func TestZeroAreas(t *testing.T) {
	for kind := range policy.AreaGlob + 2 {
		a := policy.Area{Kind: kind}
		if kind == 0 {
			a.Path = "/a"
		}
		for _, p := range []string{"", "/", "/a", "/a/b"} {
			if kind != policy.AreaEverything && a.Covers(p) {
				t.Errorf("%+v covers %q", a, p)
			}
		}
	}
}

// Two grants cover together what each covers alone (CVE-2026-58043: grants of
// secret1 and secret2 opened secret).
func TestGrantsDoNotGrowTogether(t *testing.T) {
	a, b := policy.Area{Kind: policy.AreaFile, Path: "/x/secret1"}, policy.Area{Kind: policy.AreaFile, Path: "/x/secret2"}
	for _, p := range []string{"/x/secret", "/x/secret12", "/x", "/x/secret1/a"} {
		if a.Covers(p) || b.Covers(p) {
			t.Errorf("%q is covered", p)
		}
	}
}

// The matcher of globs agrees with the library's where both mean the same: no
// classes, which the library lets match a slash.
func TestGlobsMatchAsTheLibraryDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"**", "*", "a", "b", "a*", "?", "*b", "{a,b}", "{a,bb}c", `\*`, "ab"}
	names := []string{"a", "b", "ab", "aab", "ac", "bbc", "*"}
	pick := func(list []string) string {
		var b strings.Builder
		for range random.IntN(6) + 1 {
			b.WriteString("/" + list[random.IntN(len(list))])
		}
		return b.String()
	}
	matches := 0
	for range 200000 {
		glob, name := pick(parts), pick(names)
		want := libraryMatches(t, glob, name)
		if got := (policy.Area{Kind: policy.AreaGlob, Path: glob}).Covers(name); got != want {
			t.Fatalf("%q covers %q: %v, the library says %v", glob, name, got, want)
		}
		if want {
			matches++
		}
	}
	if matches < 1000 {
		t.Errorf("only %d names matched: the test is too weak", matches)
	}
}

// libraryMatches asks the library. Of two globs that end in "/**", it lets "/a/**"
// match "/a" but not "/a*/**": here both match.
func libraryMatches(t testing.TB, glob, name string) bool {
	t.Helper()
	for {
		ok, err := doublestar.Match(glob, name)
		if err != nil {
			t.Fatalf("%q: %v", glob, err)
		}
		shorter, more := strings.CutSuffix(glob, "/**")
		if ok || !more {
			return ok
		}
		glob = shorter
	}
}
