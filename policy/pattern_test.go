package policy_test

import (
	"path"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"

	"sandrun/policy"
)

var (
	readFlag, _ = policy.Lookup(policy.FSRead)
	netFlag, _  = policy.Lookup(policy.Net)
)

// one reads a flag that holds one element.
func one(c policy.Capability, value, base string) (policy.Grant, []policy.Warning, error) {
	grants, warnings, err := policy.ParseFlag(c, strings.ReplaceAll(value, ",", `\,`), false, base)
	if err != nil {
		return policy.Grant{}, nil, err
	}
	return grants[0], warnings, nil
}

func TestPatterns(t *testing.T) {
	const base = "/w/[d]"
	for _, row := range []struct {
		value    string
		kind     policy.Kind
		path     string
		dir      bool
		warnings int
	}{
		{"*", policy.Everything, "", false, 0},
		{"/", policy.Path, "/", true, 0},
		{"/*", policy.Path, "/", true, 0},
		{"/**", policy.Path, "/", true, 1},
		{"/a", policy.Path, "/a", false, 0},
		{"/a/", policy.Path, "/a", true, 0},
		{"//a//b/.//c/..", policy.Path, "/a/b", false, 0},
		{"/../..", policy.Path, "/", true, 0},
		{"a", policy.Path, "/w/[d]/a", false, 0},
		{".", policy.Path, "/w/[d]", false, 0},
		{"./", policy.Path, "/w/[d]", true, 0},
		{"..", policy.Path, "/w", false, 0},
		{"../../..", policy.Path, "/", true, 0},
		{" a ", policy.Path, "/w/[d]/ a ", false, 0},
		{"a\\b", policy.Path, "/w/[d]/a\\b", false, 0},
		{"a,b", policy.Path, "/w/[d]/a,b", false, 0},
		{"[a]?{b}", policy.Path, "/w/[d]/[a]?{b}", false, 0},
		{"\xff", policy.Path, "/w/[d]/\xff", false, 0},

		{"/d/*", policy.Path, "/d", true, 0},
		{"d/*", policy.Path, "/w/[d]/d", true, 0},
		{"./*", policy.Path, "/w/[d]", true, 0},
		{"../*", policy.Path, "/w", true, 0},
		{"/home/*.js", policy.Path, "/home", true, 1},
		{"*.js", policy.Path, "/w/[d]", true, 1},
		{"**", policy.Path, "/w/[d]", true, 1},
		{"/x/foo*", policy.Prefix, "/x/foo", false, 0},
		{"/x/foo*/bar*", policy.Prefix, "/x/foo", false, 1},
		{"/foo*", policy.Prefix, "/foo", false, 0},
		{"foo*", policy.Prefix, "/w/[d]/foo", false, 0},
		{"./foo*", policy.Prefix, "/w/[d]/foo", false, 0},
		{"../foo*", policy.Prefix, "/w/foo", false, 0},
		{"/a/../b*", policy.Prefix, "/b", false, 0},
		{"/a//b/./c*", policy.Prefix, "/a/b/c", false, 0},
		{"/a/.*", policy.Prefix, "/a/.", false, 0},
		{"/a/..*", policy.Prefix, "/a/..", false, 1},
		{"..*", policy.Prefix, "/w/[d]/..", false, 1},
		{".*", policy.Prefix, "/w/[d]/.", false, 0},

		{"~", policy.Path, "/w/[d]/~", false, 1},
		{"~/x*y", policy.Prefix, "/w/[d]/~/x", false, 2},
		{"$HOME/x", policy.Path, "/w/[d]/$HOME/x", false, 1},
		{"a/${X}", policy.Path, "/w/[d]/a/${X}", false, 1},
		{"a$", policy.Path, "/w/[d]/a$", false, 0},
		{"a$1", policy.Path, "/w/[d]/a$1", false, 0},
		{"a~", policy.Path, "/w/[d]/a~", false, 0},
		{"file:///a", policy.Path, "/w/[d]/file:/a", false, 1},

		{"@tmp", policy.Set, "tmp", false, 0},
		{"./@tmp", policy.Path, "/w/[d]/@tmp", false, 0},

		{"glob:/a/**/*.js", policy.Glob, "/a/**/*.js", false, 0},
		{"glob:*.{js,ts}", policy.Glob, `/w/\[d\]/*.{js,ts}`, false, 0},
		{"glob:../*", policy.Glob, `/w/*`, false, 0},
		{"glob:/a//./b/../[c]", policy.Glob, "/a/[c]", false, 0},
		{"glob:/**", policy.Glob, "/**", false, 0},
		{`glob:/\*`, policy.Glob, `/\*`, false, 0},
		{`glob:/\[d\]/../x`, policy.Glob, `/x`, false, 0},
	} {
		g, warnings, err := one(readFlag, row.value, base)
		want := policy.Pattern{Kind: row.kind, Path: row.path, Dir: row.dir}
		if err != nil || g.Pattern != want || len(warnings) != row.warnings || g.All != (row.kind == policy.Everything) || g.Value != row.value {
			t.Errorf("%q: got %+v all=%v value %q, %d warnings, %v; want %+v and %d warnings", row.value, g.Pattern, g.All, g.Value, len(warnings), err, want, row.warnings)
		}
	}
}

// The base is a name, never a pattern.
func TestBaseIsLiteral(t *testing.T) {
	for value, want := range map[string]policy.Pattern{
		"a":      {Kind: policy.Path, Path: "/w*/@tmp/a"},
		"./":     {Kind: policy.Path, Path: "/w*/@tmp", Dir: true},
		"a*":     {Kind: policy.Prefix, Path: "/w*/@tmp/a"},
		"glob:?": {Kind: policy.Glob, Path: `/w\*/@tmp/?`},
	} {
		if g, warnings, err := one(readFlag, value, "/w*/@tmp"); err != nil || g.Pattern != want || len(warnings) > 0 {
			t.Errorf("%q: got %+v, %v, %v; want %+v", value, g.Pattern, warnings, err, want)
		}
	}
}

func TestPatternsAreRefused(t *testing.T) {
	for _, value := range []string{
		"", "a\x00b", "\x00", "@", "@nope", "@tmp/", "@TMP", "glob:", "glob:/", "glob:a/", "glob:[", "glob:{a", `glob:a\`, "glob:[]",
		"glob:a/[b/c]", "glob:{a/b}", "glob:a**", "glob:**a", "glob:a/**b/c", "glob:{**}", "glob:*/..", "glob:**/../a", `glob:\/`,
		"glob:\xff", "glob:\uFFFD", "glob:" + strings.Repeat("{a,b}", 10), "glob:" + strings.Repeat("{a,b,{c,d}}", 6), "glob:" + strings.Repeat("{a,b}", 100),
	} {
		if g, _, err := one(readFlag, value, "/w"); err == nil {
			t.Errorf("%q was accepted as %+v", value, g.Pattern)
		}
	}
	if _, _, err := one(readFlag, "glob:*", "/w\xff"); err == nil {
		t.Error("a glob in a directory that is not UTF-8 was accepted")
	}
}

// checkGrant holds what is true of every grant of a pattern.
func checkGrant(t testing.TB, g policy.Grant) {
	t.Helper()
	p := g.Pattern
	switch p.Kind {
	case 0, policy.Everything:
	case policy.Path:
		if path.Clean(p.Path) != p.Path || !path.IsAbs(p.Path) {
			t.Fatalf("%q: %+v is not clean", g.Value, p)
		}
		written := p.Path
		if p.Dir {
			written += "/"
		}
		checkAgain(t, written, p)
		tree := policy.Area{Kind: policy.AreaTree, Path: p.Path}
		if !tree.Covers(p.Path) || !tree.Covers(path.Join(p.Path, "x")) || p.Path != "/" && (tree.Covers(path.Dir(p.Path)) || tree.Covers(p.Path+"x")) {
			t.Fatalf("%+v covers something else than itself and what is below", tree)
		}
	case policy.Prefix:
		if dir, name := path.Split(p.Path); path.Clean(dir) != strings.TrimSuffix(dir, "/") && dir != "/" || name == "" {
			t.Fatalf("%q: %+v is no directory and a beginning", g.Value, p)
		}
		checkAgain(t, p.Path+"*", p)
		area := policy.Area{Kind: policy.AreaPrefix, Path: p.Path}
		for i := range p.Path {
			if area.Covers(p.Path[:i]) {
				t.Fatalf("%+v covers the shorter %q", area, p.Path[:i])
			}
		}
	case policy.Glob:
		checkAgain(t, "glob:"+p.Path, p)
		if !doublestar.ValidatePattern(p.Path) {
			t.Fatalf("%q: %+v is no glob", g.Value, p)
		}
	case policy.Set:
		if _, ok := policy.LookupSet(p.Path); !ok {
			t.Fatalf("%q: there is no set %q", g.Value, p.Path)
		}
	}
}

// checkAgain reads what a pattern became, from another base: it must stay. A base
// with a star in it is the one thing that cannot be written.
func checkAgain(t testing.TB, written string, want policy.Pattern) {
	t.Helper()
	if want.Kind != policy.Glob && strings.Contains(want.Path, "*") {
		return
	}
	g, _, err := one(readFlag, written, "/elsewhere")
	if err != nil || g.Pattern != want {
		t.Fatalf("%q: got %+v, %v; want %+v", written, g.Pattern, err, want)
	}
}

func FuzzPattern(f *testing.F) {
	for _, seed := range []string{"*", "/", "a/*", "/a/../b*", "..*", "glob:**/[!a]{b,c}", "@tmp", "~/x", "/x/foo*", "a,b", "//", "\xff", `a\`, "glob:../[a]/**"} {
		f.Add(seed, "/base/../x", "/base")
	}
	f.Fuzz(func(t *testing.T, value, name, base string) {
		name, base = path.Clean("/"+name), path.Clean("/"+strings.ReplaceAll(base, "\x00", ""))
		g, warnings, err := one(readFlag, value, base)
		if err != nil {
			return
		}
		checkGrant(t, g)
		for _, w := range warnings {
			if w.Text == "" || w.Source.Flag != "--allow-fs-read" {
				t.Fatalf("%q: warning %+v", value, w)
			}
		}
		if g.Pattern.Kind != policy.Glob {
			return
		}
		area := policy.Area{Kind: policy.AreaGlob, Path: g.Pattern.Path}
		if area.Covers(name) {
			if !libraryMatches(t, g.Pattern.Path, name) {
				t.Fatalf("%+v covers %q, which the library does not match", area, name)
			}
		}
		if literal := (policy.Area{Kind: policy.AreaGlob, Path: policy.EscapeGlob(name)}); !strings.Contains(name, "\uFFFD") && strings.ToValidUTF8(name, "") == name && !literal.Covers(name) {
			t.Fatalf("%+v does not cover its own path", literal)
		}
	})
}
