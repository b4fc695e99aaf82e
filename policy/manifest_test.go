package policy_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sandrun/policy"
)

var update = flag.Bool("update", false, "write the .err files of testdata/policy/invalid anew")

// corpus returns the documents of one half of the corpus.
func corpus(t testing.TB, half string) []string {
	t.Helper()
	files, err := filepath.Glob("../testdata/policy/" + half + "/*.json")
	if err != nil || len(files) < 30 {
		t.Fatalf("the corpus of %s documents is missing: %d files, %v", half, len(files), err)
	}
	return files
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestValidDocuments(t *testing.T) {
	for _, name := range corpus(t, "valid") {
		data := read(t, name)
		p, _, err := policy.ParseManifest(data, name, "/base")
		if err != nil {
			t.Errorf("%v", err)
		}
		for _, g := range p.Grants {
			if g.Source.File != name || g.Source.Line < 1 || g.Source.Column < 1 {
				t.Errorf("%s: grant %q has the source %+v", name, g.Value, g.Source)
			}
		}
	}
}

// Each invalid document has the expected message beside it.
func TestInvalidDocuments(t *testing.T) {
	for _, name := range corpus(t, "invalid") {
		p, _, err := policy.ParseManifest(read(t, name), name, "/base")
		var e *policy.ManifestError
		if !errors.As(err, &e) {
			t.Errorf("%s: got the policy %+v and the error %v", name, p, err)
			continue
		}
		if len(p.Grants) > 0 {
			t.Errorf("%s: an error came with grants", name)
		}
		golden := strings.TrimSuffix(name, ".json") + ".err"
		got := fmt.Sprintf("%d:%d: %s\n", e.Line, e.Column, e.Text)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := string(read(t, golden)); got != want {
			t.Errorf("%s:\n got %s want %s", name, got, want)
		}
	}
}

// Every finding lies where Locate finds its pointer, but for keys, which stand
// before their values.
func TestFindingsLieInTheDocument(t *testing.T) {
	for _, name := range corpus(t, "invalid") {
		data := read(t, name)
		for _, e := range policy.CheckManifest(data, name, "/base") {
			checkPosition(t, data, e)
		}
	}
}

// checkPosition fails unless an error points into the document.
func checkPosition(t testing.TB, data []byte, e *policy.ManifestError) {
	t.Helper()
	lines := strings.Split(string(data), "\n")
	if e.Line < 1 || e.Line > len(lines) {
		t.Fatalf("%v: the document has %d lines", e, len(lines))
	}
	if width := len([]rune(lines[e.Line-1])); e.Column < 1 || e.Column > width+1 {
		t.Fatalf("%v: the line has %d characters", e, width)
	}
	if at, ok := policy.Locate(data, e.Pointer); e.Pointer != "" && (!ok || at.Line < e.Line) {
		t.Fatalf("%v: %s is at %+v, %v", e, e.Pointer, at, ok)
	}
}

func TestManifest(t *testing.T) {
	const document = `{
  "onerror": "exit",
  "command": ["bin/server", "bin/x"],
  "permission": {
    "allow-fs-read": ["./data/", "*"],
    "allow-child-process": ["git", "../tool"],
    "allow-worker": true,
    "allow-net": false,
    "allow-env": ["ü", "AWS_*"]
  },
  "resources": {"./app.js": {"integrity": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}, "../lib/": {"integrity": true}},
  "process": {"umask": "0022", "chdir": "run"}
}`
	p, warnings, err := policy.ParseManifest([]byte(document), "p.json", "/base/dir")
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	type row struct{ scope, source, meaning string }
	var got []row
	for _, g := range p.Grants {
		meaning := fmt.Sprintf("%v %v %s %s %v", g.All, g.Pattern, g.Program, g.Name, g.Prefix)
		got = append(got, row{string(g.Scope), g.Source.String(), meaning})
	}
	want := []row{
		{"fs.read", "p.json:5:23", "false /base/dir/data and everything below   false"},
		{"fs.read", "p.json:5:34", "true everything   false"},
		{"child", "p.json:6:29", "false  git  false"},
		{"child", "p.json:6:36", "false  /base/tool  false"},
		{"worker", "p.json:7:21", "true    false"},
		{"env", "p.json:9:19", "false   ü false"},
		{"env", "p.json:9:24", "false   AWS_ true"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("grants\n got %q\nwant %q", got, want)
	}
	if p.OnError != policy.Exit || p.OnErrorSource.String() != "p.json:2:14" || p.File != "p.json" {
		t.Errorf("onerror %v at %v, file %q", p.OnError, p.OnErrorSource, p.File)
	}
	if !slices.Equal(p.Command, []string{"/base/dir/bin/server", "bin/x"}) || p.CommandSource.String() != "p.json:3:14" {
		t.Errorf("command %q at %v", p.Command, p.CommandSource)
	}
	if r := p.Resources; len(r) != 2 || r[0].Path != "/base/dir/app.js" || len(r[0].Integrity) != 1 || r[0].Any ||
		r[1].Path != "/base/lib" || !r[1].Dir || !r[1].Any || r[0].Source.String() != "p.json:11:17" {
		t.Errorf("resources %+v", r)
	}
	if p.Process.IsZero() || p.Process.Umask != "0022" || p.Process.Chdir != "/base/dir/run" {
		t.Errorf("process %+v", p.Process)
	}
}

// What asks for nothing is nothing: missing, false and empty alike.
func TestNothingIsGranted(t *testing.T) {
	for _, document := range []string{
		`{}`, `{"permission": {}, "resources": {}, "process": {}, "onerror": "throw"}`,
		`{"permission": {"allow-fs-read": [], "allow-net": [], "allow-env": false, "allow-worker": false}}`,
	} {
		p, _, err := policy.ParseManifest([]byte(document), "p.json", "/")
		if err != nil || len(p.Grants) > 0 || len(p.Resources) > 0 || !p.Process.IsZero() || p.OnError != policy.Throw || p.Command != nil {
			t.Errorf("%s: %+v, %v", document, p, err)
		}
	}
	var zero policy.Policy
	for _, c := range policy.Capabilities {
		if _, all := zero.All(c.Scope); all || zero.Has(c.Scope) || len(zero.Of(c.Scope)) > 0 {
			t.Errorf("the zero policy grants %s", c.Scope)
		}
	}
}

func TestManifestSaysEverythingThatIsWrong(t *testing.T) {
	const document = `{"x": 1, "permission": {"allow-worker": 1, "allow-env": ["=", 2]}, "onerror": "no"}`
	var got []string
	for _, e := range policy.CheckManifest([]byte(document), "p.json", "/base") {
		got = append(got, e.Pointer)
	}
	want := []string{"/x", "/permission/allow-worker", "/permission/allow-env/0", "/permission/allow-env/1", "/onerror"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestManifestWarnings(t *testing.T) {
	const document = `{"permission": {"allow-fs-read": ["~/x", "/home/*.js"]},
 "command": ["$HOME/x"], "process": {"chdir": "~"}, "resources": {"./$HOME/r": {"integrity": true}}}`
	_, warnings, err := policy.ParseManifest([]byte(document), "p.json", "/b")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range warnings {
		got = append(got, w.Source.String()+": "+w.Text)
	}
	want := []string{
		`p.json:1:35: "~/x" is taken literally: it is /b/~/x`,
		`p.json:1:42: what follows the first star of "/home/*.js" is ignored: it grants /home and everything below (glob: makes a true glob)`,
		`p.json:2:14: "$HOME/x" is taken literally: it is /b/$HOME/x`,
		`p.json:2:47: "~" is taken literally: it is /b/~`,
		`p.json:2:67: "./$HOME/r" is taken literally: it is /b/$HOME/r`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestRelativeBaseIsRefused(t *testing.T) {
	if _, _, err := policy.ParseManifest([]byte(`{}`), "p.json", "dir"); err == nil {
		t.Error("a relative base directory was accepted")
	}
	for _, c := range policy.Capabilities {
		if _, _, err := policy.ParseFlag(c, "", true, "dir"); err == nil {
			t.Errorf("%s: a relative base directory was accepted", c.Flag)
		}
	}
}

// The largest documents of each awkward shape are judged at once.
func TestManifestTakesBoundedTime(t *testing.T) {
	fill := func(head, part, tail string) []byte {
		n := (policy.MaxManifest - len(head) - len(tail)) / len(part)
		return []byte(head + strings.Repeat(part, n) + tail)
	}
	keys := strings.Builder{}
	keys.WriteString("{")
	for i := range 80000 {
		fmt.Fprintf(&keys, `"k%d":1,`, i)
	}
	for name, data := range map[string][]byte{
		"one long line of grants": fill(`{"permission":{"allow-fs-read":["/"`, `,"/a"`, `]}}`),
		"one long line of errors": fill(`{"permission":{"allow-fs-read":[""`, `,""`, `]}}`),
		"unknown keys":            []byte(keys.String() + `"k":1}`),
		"nesting":                 fill("", "[", ""),
		"one number":              fill("", "9", ""),
		"one string":              fill(`{"command":["`, `\u0041`, `"]}`),
		"lines":                   fill("", "\n", "{}"),
		"braces":                  fill(`{"permission":{"allow-fs-read":["glob:/`, "{a,b}", `"]}}`),
		"stars":                   fill(`{"permission":{"allow-fs-read":["glob:/`, "*/", `x"]}}`),
		"labels":                  fill(`{"permission":{"allow-net":["`, "a.", `x"]}}`),
		"digests":                 fill(`{"resources":{"./a":{"integrity":"`, "sha256- ", `"}}}`),
		"too large":               make([]byte, policy.MaxManifest+1),
	} {
		start := time.Now()
		policy.CheckManifest(data, "p.json", "/base")
		if d := time.Since(start); d > 10*time.Second { // a quadratic walk takes minutes
			t.Errorf("%s: %d bytes took %v", name, len(data), d)
		} else {
			t.Logf("%s: %v", name, d)
		}
	}
}

// BenchmarkManifest reads a manifest of ordinary size: part of every launch with
// --policy.
func BenchmarkManifest(b *testing.B) {
	data := read(b, "../testdata/policy/valid/everything.json")
	for b.Loop() {
		if _, _, err := policy.ParseManifest(data, "p.json", "/w"); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzManifest(f *testing.F) {
	for _, half := range []string{"valid", "invalid"} {
		for _, name := range corpus(f, half) {
			f.Add(read(f, name))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, warnings, err := policy.ParseManifest(data, "p.json", "/base")
		found := policy.CheckManifest(data, "p.json", "/base")
		if err == nil && len(found) > 0 || err != nil && len(found) == 0 {
			t.Fatalf("ParseManifest says %v, CheckManifest %v", err, found)
		}
		for _, e := range found {
			checkPosition(t, data, e)
		}
		if err != nil && (len(p.Grants) > 0 || len(warnings) > 0) {
			t.Fatal("an error came with a policy")
		}
		for _, g := range p.Grants {
			checkGrant(t, g)
		}
	})
}
