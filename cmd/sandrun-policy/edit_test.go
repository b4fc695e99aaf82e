package main

import (
	"bytes"
	"reflect"
	"testing"

	"sandrun/policy"
)

const (
	oldDigest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	newDigest = "sha256-s8kU5ZJD5VUd/3DN6kBINTqaSsdQ5mCtI8HqI38n7Fk="
)

// Each document gets a digest for ./new, and for ./old where it lists that. In the
// tables OLD and NEW stand for the digests.
func TestRepin(t *testing.T) {
	for _, row := range []struct{ before, after string }{
		{"{}", "{\n  \"resources\": {\n    \"./new\": {\"integrity\": \"NEW\"}\n  }\n}"},
		{" { } \n", " {\n  \"resources\": {\n    \"./new\": {\"integrity\": \"NEW\"}\n  }\n} \n"},
		{`{"onerror":"throw"}`, `{"onerror":"throw","resources":{"./new":{"integrity":"NEW"}}}`},
		{`{"onerror": "throw"}`, `{"onerror": "throw", "resources": {"./new": {"integrity": "NEW"}}}`},
		{`{ "onerror" : "throw" }`, `{ "onerror" : "throw", "resources": {"./new": {"integrity": "NEW"}} }`},
		{
			"{\n\t\"onerror\": \"throw\",\n\t\"command\": [\"x\"]\n}\n",
			"{\n\t\"onerror\": \"throw\",\n\t\"command\": [\"x\"],\n\t\"resources\": {\n\t\t\"./new\": {\"integrity\": \"NEW\"}\n\t}\n}\n",
		},
		{
			"{\r\n    \"onerror\":\r\n \"throw\"\r\n}",
			"{\r\n    \"onerror\":\r\n \"throw\",\r\n    \"resources\": {\r\n        \"./new\": {\"integrity\": \"NEW\"}\r\n    }\r\n}",
		},
		{"{\n\"resources\": { }, \"onerror\": \"throw\"\n}", "{\n\"resources\": {\n\"./new\": {\"integrity\": \"NEW\"}\n}, \"onerror\": \"throw\"\n}"},
		{`{"resources":{"./old":{"integrity":"OLD"}}}`, `{"resources":{"./old":{"integrity":"NEW"},"./new":{"integrity":"NEW"}}}`},
		{`{"resources": {"./old": {"integrity": "OLD"}}}`, `{"resources": {"./old": {"integrity": "NEW"}, "./new": {"integrity": "NEW"}}}`},
		{
			"{\"resources\": {\n  \"./dir/\": {\"integrity\": true},\n\n  \"./old\": { \"integrity\" :\n \"OLD\" }\n}}",
			"{\"resources\": {\n  \"./dir/\": {\"integrity\": true},\n\n  \"./old\": { \"integrity\" :\n \"NEW\" },\n\n  \"./new\": { \"integrity\" :\n \"NEW\" }\n}}",
		},
		{`{"resources": {"./o\u006cd": {"\u0069ntegrity": "OLD"}, "./d/": {"integrity": true}}}`, `{"resources": {"./o\u006cd": {"\u0069ntegrity": "NEW"}, "./d/": {"integrity": true}, "./new": {"integrity": "NEW"}}}`},
	} {
		fill := func(s string) string {
			return string(bytes.ReplaceAll(bytes.ReplaceAll([]byte(s), []byte("OLD"), []byte(oldDigest)), []byte("NEW"), []byte(newDigest)))
		}
		pins := []pin{{"./new", newDigest}}
		if bytes.Contains([]byte(row.before), []byte("OLD")) {
			pins = append(pins, pin{"./old", newDigest})
		}
		if got := string(repin([]byte(fill(row.before)), pins)); got != fill(row.after) {
			t.Errorf("%q:\n got %q\nwant %q", row.before, got, fill(row.after))
		}
	}
}

func TestKeysAreQuoted(t *testing.T) {
	for _, key := range []string{"./a\"b\\c", "./\n\t\x01\x7f", "./<é>\u2028", "./ "} {
		data := repin([]byte(`{}`), []pin{{key, newDigest}})
		p, _, err := policy.ParseManifest(data, "p.json", "/")
		if err != nil || len(p.Resources) != 1 || p.Resources[0].Path != "/"+key[2:] {
			t.Errorf("%q: %s: %+v, %v", key, data, p.Resources, err)
		}
	}
}

// Whatever a valid document looks like: with new digests it means the same but for
// them, and what is not a digest is untouched.
func FuzzRepin(f *testing.F) {
	for _, data := range corpus(f, "valid") {
		f.Add(data)
	}
	for _, s := range []string{"{}", `{"resources":{}}`, "{\n\"onerror\" :\n\t\"log\"}", `{"resources" : {"./a":{"integrity":` + "\n" + `"` + oldDigest + `"} ,"./b/":{"integrity":true} } }`} {
		f.Add([]byte(s))
	}
	f.Fuzz(checkRepin)
}

func checkRepin(t *testing.T, data []byte) {
	before, _, err := policy.ParseManifest(data, "p.json", "/w")
	if err != nil {
		return
	}
	layout, _ := policy.Layout(data)
	resources, _ := layout.Member("resources")
	var pins []pin
	for i, r := range before.Resources {
		key := resources.Object.Members[i].Key
		if key == "./new-one" || r.Path == "/w/new-one" {
			return
		}
		if !r.Any {
			pins = append(pins, pin{key, newDigest})
		}
	}
	refreshed := repin(data, pins)
	want := before
	want.Resources = nil
	for _, r := range before.Resources {
		if !r.Any {
			r.Integrity = mustParse(t, newDigest)
		}
		want.Resources = append(want.Resources, r)
	}
	checkSame(t, refreshed, want)
	if back := repin(refreshed, pins); !bytes.Equal(back, refreshed) {
		t.Fatalf("%q: again it is %q", refreshed, back)
	}
	added := repin(data, []pin{{"./new-one", newDigest}})
	want = before
	want.Resources = append(want.Resources[:len(want.Resources):len(want.Resources)], policy.Resource{Path: "/w/new-one", Integrity: mustParse(t, newDigest)})
	checkSame(t, added, want)
	if len(layout.Members) > 0 && (resources.Object == nil || len(resources.Object.Members) > 0) {
		checkInserted(t, data, added)
	}
}

// checkSame fails unless a document means what it should. Places may differ.
func checkSame(t *testing.T, data []byte, want policy.Policy) {
	t.Helper()
	got, _, err := policy.ParseManifest(data, "p.json", "/w")
	if err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	for _, p := range []*policy.Policy{&got, &want} {
		withoutPlaces(p)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q means %+v, want %+v", data, got, want)
	}
}

func withoutPlaces(p *policy.Policy) {
	p.Grants = append([]policy.Grant{}, p.Grants...)
	for i := range p.Grants {
		p.Grants[i].Source = policy.Source{}
	}
	p.Resources = append([]policy.Resource{}, p.Resources...)
	for i := range p.Resources {
		p.Resources[i].Source = policy.Source{}
	}
	p.OnErrorSource, p.CommandSource = policy.Source{}, policy.Source{}
	if p.Process != nil {
		process := *p.Process
		process.Source = policy.Source{}
		p.Process = &process
	}
}

// checkInserted fails unless one document is the other with one thing put in.
func checkInserted(t *testing.T, before, after []byte) {
	t.Helper()
	same := 0
	for same < len(before) && before[same] == after[same] {
		same++
	}
	// What was put in may begin as that which follows it.
	for ; same >= 0; same-- {
		if bytes.HasSuffix(after, before[same:]) {
			return
		}
	}
	t.Fatalf("%q: not one insertion: %q", before, after)
}
