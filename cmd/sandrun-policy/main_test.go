package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"

	"sandrun/policy"
	"sandrun/schemas"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sandrun-policy": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"grow": grow,
		},
	})
}

// grow makes a file of one byte more than a manifest can have: "grow NAME".
func grow(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte(" "), policy.MaxManifest+1), 0o644))
}

func TestSchemaIsPrintedAsItIs(t *testing.T) {
	var out, errors bytes.Buffer
	if status := run([]string{"schema"}, &out, &errors); status != exitYes || out.String() != schemas.Policy || errors.Len() > 0 {
		t.Errorf("status %d, %d bytes, stderr %q", status, out.Len(), &errors)
	}
}

// Nothing from a manifest or a file name reaches the terminal as a control byte.
func TestOutputIsEscaped(t *testing.T) {
	name := filepath.Join(t.TempDir(), "p\x1b[31m\n\u202e\xff.json")
	if err := os.WriteFile(name, []byte(`{"\u001b[2J\u202e\n": 1, "onerror": "\u009b", "permission": {"allow-fs-read": ["~\u001b"]}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	var out, errors bytes.Buffer
	if status := run([]string{"validate", name, name + "\r"}, &out, &errors); status != exitWrong {
		t.Errorf("status %d", status)
	}
	text := out.String() + errors.String()
	if strings.Count(out.String(), "\n") != 2 || strings.Count(errors.String(), "\n") != 1 || strings.ContainsAny(text, "\x1b\r\u202e\u009b") || !utf8.ValidString(text) {
		t.Errorf("stdout %q\nstderr %q", &out, &errors)
	}
}

// The schema is heard where the decoder is silent, with the place of the value.
func TestUnheard(t *testing.T) {
	const document = `{
 "resources": {"./b ~": 1},
 "onerror": 2}`
	schema := mustCompile(t)
	heard := []*policy.ManifestError{{Pointer: "/onerror"}}
	violation := violationOf(t, schema, document)
	got := unheard(violation, []byte(document), "p.json", heard)
	if len(got) != 1 || got[0].Pointer != "/resources/.~1b ~0" || got[0].Line != 2 || got[0].Column != 25 || got[0].Text == "" {
		t.Errorf("got %+v", got[0])
	}
	if all := unheard(violation, []byte(document), "p.json", nil); len(all) != 2 {
		t.Errorf("%d violations, want 2", len(all))
	}
}

func BenchmarkValidate(b *testing.B) {
	name := "../../testdata/policy/valid/everything.json"
	for b.Loop() {
		if status := run([]string{"validate", name}, &bytes.Buffer{}, &bytes.Buffer{}); status != exitYes {
			b.Fatal(status)
		}
	}
}
