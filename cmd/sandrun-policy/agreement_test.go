package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"sandrun/policy"
)

// unsayable is what the decoder refuses and a JSON schema cannot: each is a part
// of the decoder's message, with the reason. Everything else must be refused by
// both, and nothing may be refused by the schema alone.
var unsayable = []struct{ text, reason string }{
	{"in disguise", "whether an IPv6 address is ::ffff:0:0/96 takes arithmetic"},
	{"brackets hold an IPv6 address", "the ways to shorten an IPv6 address are no pattern of bearable size"},
	{"has bits beyond its prefix", "it takes arithmetic"},
	{"ends before it begins", "two numbers must be compared"},
	{"it is not a valid glob", "brackets nest"},
	{"cannot be part of {...}", "brackets nest"},
	{"cannot be part of [...]", "it depends on escapes before it"},
	{"a slash in a glob cannot be escaped", "it depends on escapes before it"},
	{"** in a glob stands alone", "it depends on escapes before it"},
	{".. cannot follow a wildcard", "it depends on escapes before it"},
	{"stand for more than", "it takes multiplication"},
	{"a glob must be UTF-8", "it is about a directory outside of the document, or U+FFFD, which some engines cannot tell from broken text"},
	{"are the same path", "two keys must be compared after cleaning"},
}

// verdicts judges a document both ways. Where it is no JSON by the decoder, or
// repeats a key, the schema has nothing to say: it sees decoded values.
func verdicts(t testing.TB, schema *jsonschema.Schema, data []byte) (found []*policy.ManifestError, bySchema error, decoded bool) {
	t.Helper()
	found = policy.CheckManifest(data, "p.json", "/base")
	if _, ok := policy.Locate(data, ""); !ok {
		if len(found) == 0 {
			t.Fatalf("%q: no JSON, but accepted", data)
		}
		return found, nil, false
	}
	bySchema = judgeBySchema(schema, data)
	var violation *jsonschema.ValidationError
	if bySchema != nil && !errors.As(bySchema, &violation) {
		t.Fatalf("%q: the schema could not judge it: %v", data, bySchema)
	}
	return found, bySchema, true
}

// checkAgreement fails where the two disagree beyond the exceptions.
func checkAgreement(t testing.TB, schema *jsonschema.Schema, data []byte) {
	t.Helper()
	found, bySchema, decoded := verdicts(t, schema, data)
	switch {
	case !decoded, len(found) > 0 && bySchema != nil, len(found) == 0 && bySchema == nil:
		return
	case len(found) == 0:
		t.Fatalf("%q: only the schema refuses it: %#v", data, bySchema)
	}
	for _, v := range found {
		if !isUnsayable(v.Text) {
			t.Fatalf("%q: only the decoder refuses it: %v", data, v)
		}
	}
}

func isUnsayable(text string) bool {
	for _, u := range unsayable {
		if strings.Contains(text, u.text) {
			return true
		}
	}
	return false
}

func mustCompile(t testing.TB) *jsonschema.Schema {
	t.Helper()
	schema, err := compile()
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// corpus reads the documents of one half of the corpus, by name.
func corpus(t testing.TB, half string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../../testdata/policy/" + half + "/*.json")
	if err != nil || len(files) < 30 {
		t.Fatalf("the corpus of %s documents is missing: %d files, %v", half, len(files), err)
	}
	documents := map[string][]byte{}
	for _, name := range files {
		if documents[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return documents
}

func TestCorpusIsJudgedAlike(t *testing.T) {
	schema := mustCompile(t)
	for name, data := range corpus(t, "valid") {
		if found, bySchema, _ := verdicts(t, schema, data); len(found) > 0 || bySchema != nil {
			t.Errorf("%s: decoder %v, schema %v", name, found, bySchema)
		}
	}
	used := map[string]bool{}
	syntax := 0
	for name, data := range corpus(t, "invalid") {
		found, bySchema, decoded := verdicts(t, schema, data)
		switch {
		case len(found) == 0:
			t.Errorf("%s: the decoder accepts it", name)
		case !decoded:
			syntax++
		case bySchema == nil && !isUnsayable(found[0].Text):
			t.Errorf("%s: the schema accepts it, the decoder says %v", name, found[0])
		case bySchema == nil:
			for _, u := range unsayable {
				used[u.text] = used[u.text] || strings.Contains(found[0].Text, u.text)
			}
		}
	}
	for _, u := range unsayable {
		if !used[u.text] {
			t.Errorf("no document needs the exception %q (%s)", u.text, u.reason)
		}
	}
	if syntax < 20 {
		t.Errorf("only %d documents are wrong in syntax", syntax)
	}
}

// Every document of an awkward syntax that encoding/json would let pass is still
// refused, because the decoder judges first.
func TestLaxDocumentsAreRefused(t *testing.T) {
	lax := 0
	for name, data := range corpus(t, "invalid") {
		var value struct{ Permission struct{} }
		d := json.NewDecoder(bytes.NewReader(data))
		if d.Decode(&value) == nil && len(policy.CheckManifest(data, name, "/base")) > 0 {
			if _, ok := policy.Locate(data, ""); !ok {
				lax++
			}
		}
	}
	if lax < 5 {
		t.Errorf("encoding/json accepts only %d of the documents with broken syntax: this test shows nothing", lax)
	}
}

func FuzzAgreement(f *testing.F) {
	for _, half := range []string{"valid", "invalid"} {
		for _, data := range corpus(f, half) {
			f.Add(data)
		}
	}
	schema := mustCompile(f)
	f.Fuzz(func(t *testing.T, data []byte) { checkAgreement(t, schema, data) })
}

// FuzzValues looks for disagreement about one value: most random documents are
// broken before a pattern is ever looked at.
func FuzzValues(f *testing.F) {
	places := []string{
		`{"permission": {"allow-fs-read": [%]}}`, `{"permission": {"allow-child-process": [%]}}`, `{"permission": {"allow-addons": [%]}}`,
		`{"permission": {"allow-net": [%]}}`, `{"permission": {"allow-env": [%]}}`, `{"onerror": %}`, `{"command": [%]}`,
		`{"resources": {%: {"integrity": true}}}`, `{"resources": {%: {"integrity": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}}}`, `{"resources": {"./a": {"integrity": %}}}`, `{"process": {"user": %}}`,
		`{"process": {"umask": %}}`, `{"process": {"chdir": %}}`, `{"process": {"capabilities": [%]}}`, `{%: true}`,
	}
	for _, value := range []string{
		"*", "a", "", "/a/*", "@tmp", "@x", "glob:*", "glob:[", "a/", "..", "A=b", "A*", "h:80", "*.h:1-2", "[::1]:2", "10.0.0.0/8:9", "udp://h",
		"listen:1.2.3.4:5", "unix:a", "unix-listen:a*", "dns", "DNS", "1.2.3", "a.b-", "root", "a$", "4294967295", "0022", "CAP_KILL", "\x00", "\u2028", "\n",
		"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=?x", "sha384-", strings.Repeat("a", 64), "://", "./a://b", "./a/..", "../", "/.", "é", "a:1:2", "/", "*:0", "throw",
	} {
		for i := range places {
			f.Add(uint8(i), value)
		}
	}
	schema := mustCompile(f)
	f.Fuzz(func(t *testing.T, place uint8, value string) {
		written, err := json.Marshal(value) // turns broken UTF-8 into U+FFFD
		if err != nil {
			t.Fatal(err)
		}
		document := strings.Replace(places[int(place)%len(places)], "%", string(written), 1)
		checkAgreement(t, schema, []byte(document))
	})
}

// violationOf returns what the schema finds wrong with a document.
func violationOf(t testing.TB, schema *jsonschema.Schema, document string) *jsonschema.ValidationError {
	t.Helper()
	var violation *jsonschema.ValidationError
	if err := judgeBySchema(schema, []byte(document)); !errors.As(err, &violation) {
		t.Fatalf("%s: the schema says %v", document, err)
	}
	return violation
}
