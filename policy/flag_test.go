package policy_test

import (
	"slices"
	"strings"
	"testing"

	"sandrun/policy"
)

func TestFlags(t *testing.T) {
	for _, row := range []struct {
		flag, value string
		bare        bool
		want        string // what is granted, between semicolons
		warnings    int
	}{
		{"allow-fs-read", "/a,/b", false, "/a; /b", 0},
		{"allow-fs-read", `/a\,b,/c`, false, "/a,b; /c", 0},
		{"allow-fs-read", `/a\\,b`, false, `/a\,b`, 0},
		{"allow-fs-read", `/a\b`, false, `/a\b`, 0},
		{"allow-fs-read", `/a\`, false, `/a\`, 0},
		{"allow-fs-read", `glob:/*.{a\,b}`, false, "what matches /*.{a,b}", 0},
		{"allow-fs-read", "true", false, "/w/true", 0},
		{"allow-fs-write", "*,/a", false, "all; /a", 0},
		{"allow-child-process", "", true, "all", 0},
		{"allow-child-process", "true", false, "all", 1},
		{"allow-child-process", "false", false, "", 1},
		{"allow-child-process", "git,./x,/bin/../bin/ls", false, "git; /w/x; /bin/ls", 0},
		{"allow-child-process", "true,false", false, "true; false", 0},
		{"allow-child-process", "~/x", false, "/w/~/x", 1},
		{"allow-worker", "", true, "all", 0},
		{"allow-worker", "true", false, "all", 0},
		{"allow-worker", "false", false, "", 0},
		{"allow-addons", "", true, "all", 0},
		{"allow-addons", "*", false, "all", 0},
		{"allow-addons", "lib/", false, "/w/lib and everything below", 0},
		{"allow-net", "", true, "all", 0},
		{"allow-net", "false", false, "", 0},
		{"allow-net", "dns,h:1", false, "rule; rule", 0},
		{"allow-inspector", "", true, "all", 0},
		{"allow-env", "", true, "all", 0},
		{"allow-env", "*", false, "all", 0},
		{"allow-env", "A,B_*,ü", false, "A; B_; ü", 0},
	} {
		grants, warnings, err := policy.ParseFlag(lookupFlag(t, row.flag), row.value, row.bare, "/w")
		var got []string
		for _, g := range grants {
			got = append(got, meaning(g))
			if g.Source.String() != "--"+row.flag {
				t.Errorf("--%s=%s: source %v", row.flag, row.value, g.Source)
			}
		}
		if err != nil || strings.Join(got, "; ") != row.want || len(warnings) != row.warnings {
			t.Errorf("--%s=%s: got %q, %d warnings, %v; want %q, %d warnings", row.flag, row.value, got, len(warnings), err, row.want, row.warnings)
		}
	}
}

func lookupFlag(t testing.TB, flag string) policy.Capability {
	t.Helper()
	for _, c := range policy.Capabilities {
		if c.Flag == flag {
			return c
		}
	}
	t.Fatalf("there is no flag %s", flag)
	return policy.Capability{}
}

// meaning says what a grant gives, in short.
func meaning(g policy.Grant) string {
	switch {
	case g.All:
		return "all"
	case g.Rule.Kind != 0:
		return "rule"
	}
	return g.Pattern.String() + g.Program + g.Name
}

func TestFlagsAreRefused(t *testing.T) {
	for _, row := range []struct{ flag, value, text string }{
		{"allow-fs-read", "", "the value is empty"},
		{"allow-fs-read", "/a,", "must not be empty"},
		{"allow-fs-read", ",", "must not be empty"},
		{"allow-fs-read", "/a,,/b", "must not be empty"},
		{"allow-fs-read", "glob:/*.{a,b}", `write \,`},
		{"allow-fs-write", "/a,@nope", "@nope"},
		{"allow-child-process", "", "the value is empty"},
		{"allow-child-process", "*", "leave the value out"},
		{"allow-child-process", "/bin/*", "no pattern"},
		{"allow-child-process", "a\x00", "zero byte"},
		{"allow-worker", "", "the value is empty"},
		{"allow-worker", "yes", "neither true nor false"},
		{"allow-worker", "True", "neither true nor false"},
		{"allow-worker", "1", "neither true nor false"},
		{"allow-inspector", "*", "neither true nor false"},
		{"allow-addons", "", "the value is empty"},
		{"allow-net", "*", "leave the value out"},
		{"allow-net", "h:70000", "1 to 65535"},
		{"allow-net", "a\x00", "zero byte"},
		{"allow-env", "A=b", "without a value"},
		{"allow-env", "*A", "only end"},
		{"allow-env", "A\x00", "zero byte"},
	} {
		grants, _, err := policy.ParseFlag(lookupFlag(t, row.flag), row.value, false, "/w")
		if err == nil || !strings.Contains(err.Error(), row.text) || len(grants) > 0 {
			t.Errorf("--%s=%q: got %v and %d grants, want an error with %q", row.flag, row.value, err, len(grants), row.text)
		}
	}
	for _, flag := range []string{"allow-fs-read", "allow-fs-write"} {
		if _, _, err := policy.ParseFlag(lookupFlag(t, flag), "", true, "/w"); err == nil {
			t.Errorf("--%s was accepted without a value", flag)
		}
	}
}

// What check prints as a flag is read back as the same path: only commas need a
// backslash.
func FuzzEscapedComma(f *testing.F) {
	for _, seed := range []string{"/a,b", `/a\`, `/a\,b`, `/,\,,\\,`, "/,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		g, _, err := one(readFlag, "/"+value, "/")
		if err == nil && g.Value != "/"+value {
			t.Fatalf("%q came back as %q", "/"+value, g.Value)
		}
		if err != nil && !strings.Contains(value, "\x00") {
			t.Fatalf("%q: %v", "/"+value, err)
		}
	})
}

// A flag and a manifest give the same grants for the same words.
func TestFlagsMeanWhatManifestsMean(t *testing.T) {
	for _, row := range []struct{ flag, value, json string }{
		{"allow-fs-read", "./a,/b/*,@tmp,glob:*.c", `["./a", "/b/*", "@tmp", "glob:*.c"]`},
		{"allow-child-process", "git,./x", `["git", "./x"]`},
		{"allow-child-process", "false", `false`},
		{"allow-addons", "true", `true`},
		{"allow-net", "*:443,listen:[::1]:80", `["*:443", "listen:[::1]:80"]`},
		{"allow-env", "A,B*", `["A", "B*"]`},
		{"allow-worker", "true", `true`},
	} {
		grants, _, err := policy.ParseFlag(lookupFlag(t, row.flag), row.value, false, "/w")
		if err != nil {
			t.Fatal(err)
		}
		p, _, err := policy.ParseManifest([]byte(`{"permission": {"`+row.flag+`": `+row.json+`}}`), "p.json", "/w")
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range [][]policy.Grant{grants, p.Grants} {
			for i := range list {
				list[i].Source = policy.Source{}
			}
		}
		if !slices.Equal(grants, p.Grants) {
			t.Errorf("--%s=%s: flag %+v\nmanifest %+v", row.flag, row.value, grants, p.Grants)
		}
	}
}
