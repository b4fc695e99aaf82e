package policy_test

import (
	"strings"
	"testing"

	"sandrun/policy"
)

func TestSuggest(t *testing.T) {
	var flags, scopes []string
	for _, c := range policy.Capabilities {
		flags = append(flags, "--"+c.Flag)
		scopes = append(scopes, string(c.Scope))
	}
	flags = append(flags, "--policy", "--onerror", "--quiet", "--deny-jit", "--tolerate", "--user")
	for _, row := range []struct {
		word  string
		known []string
		want  string
	}{
		{"--allow-fs-raed", flags, "did you mean --allow-fs-read?"},
		{"--allow-fs-reads", flags, "did you mean --allow-fs-read?"},
		{"--allow_fs_read", flags, "did you mean --allow-fs-read?"},
		{"--Allow-FS-Read", flags, "did you mean --allow-fs-read?"},
		{"--allow-child", flags, "did you mean --allow-child-process?"},
		{"--allow-workers", flags, "did you mean --allow-worker?"},
		{"--allow-addon", flags, "did you mean --allow-addons?"},
		{"--polcy", flags, "did you mean --policy?"},
		{"--deny-jti", flags, "did you mean --deny-jit?"},
		{"--permission", flags, "it is not needed: nothing is allowed until it is granted"},
		{"--permission-audit", flags, "use --onerror=log"},
		{"--allow-read", flags, "use --allow-fs-read"},
		{"--allow-run", flags, "use --allow-child-process"},
		{"--deny-net", flags, "leave the grant out: nothing is allowed until it is granted"},
		{"--no-allow-worker", flags, "leave the flag out: nothing is allowed until it is granted"},
		{"-A", flags, "there is no flag for everything: name what is needed (--explain finds out)"},
		{"--rwx", flags, "use --allow-fs-read and --allow-fs-write, with --allow-child-process to start what is there"},
		{"--xyzzy", flags, ""},
		{"-z", flags, ""},
		{"--", flags, ""},
		{"", flags, ""},
		{"fs.raed", scopes, `did you mean "fs.read"?`},
		{"fs_read", scopes, `did you mean "fs.read"?`},
		{"Net", scopes, `did you mean "net"?`},
		{"xyz", scopes, ""},
		{strings.Repeat("a", 1<<20), scopes, ""},
	} {
		if got := policy.Suggest(row.word, row.known); got != row.want {
			t.Errorf("%.40q: got %q, want %q", row.word, got, row.want)
		}
	}
}

// A flag of ours that were listed as a neighbour would never be suggested well.
func TestKnownWordsSuggestThemselves(t *testing.T) {
	for _, c := range policy.Capabilities {
		flag := "--" + c.Flag
		if got := policy.Suggest(flag, []string{flag}); got != "did you mean "+flag+"?" {
			t.Errorf("%s: %q", flag, got)
		}
	}
}
