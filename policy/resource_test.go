package policy_test

import (
	"fmt"
	"testing"

	"sandrun/policy"
)

func TestResource(t *testing.T) {
	const digest = `"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="`
	document := `{"resources": {
  "./vendor/": {"integrity": true}, "./vendor/inner/": {"integrity": true}, "./vendor/pinned.js": {"integrity": ` + digest + `},
  "./any": {"integrity": true}, "./a/b": {"integrity": ` + digest + `}, "../up/": {"integrity": true}}}`
	p, _, err := policy.ParseManifest([]byte(document), "p.json", "/w")
	if err != nil {
		t.Fatal(err)
	}
	for _, merged := range []policy.Policy{p, policy.Merge(p), policy.Merge(policy.Policy{}, p)} {
		for path, want := range map[string]string{
			"/w/vendor/x":           "/w/vendor",
			"/w/vendor/y/z":         "/w/vendor",
			"/w/vendor/inner/x":     "/w/vendor/inner",
			"/w/vendor/innermost":   "/w/vendor",
			"/w/vendor/inner":       "/w/vendor",
			"/w/vendor/pinned.js":   "/w/vendor/pinned.js",
			"/w/vendor/pinned.js/x": "/w/vendor",
			"/w/vendor/pinned.jsx":  "/w/vendor",
			"/w/vendor":             "", // the folder is not below itself
			"/w/vendored":           "",
			"/w/any":                "/w/any",
			"/w/any/x":              "", // a file has nothing below
			"/w/a/b":                "/w/a/b",
			"/w/a":                  "",
			"/up/x":                 "/up",
			"/w":                    "",
			"/":                     "",
			"":                      "",
		} {
			r, ok := merged.Resource(path)
			if ok != (want != "") || r.Path != want || ok && r.Dir != r.Any && want != "/w/any" {
				t.Errorf("%q: got %+v, %v; want %q", path, r, ok, want)
			}
		}
	}
	if r, ok := p.Resource("/w/vendor/pinned.js"); !ok || r.Any || len(r.Integrity) != 1 {
		t.Errorf("the folder is heard before the file: %+v", r)
	}
}

func TestResourceBelowTheRoot(t *testing.T) {
	p, _, err := policy.ParseManifest([]byte(`{"resources": {"/": {"integrity": true}, "./": {"integrity": true}}}`), "p.json", "/w")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/x": "/", "/w": "/", "/w/x": "/w", "/": "", "": "", "x": ""} {
		if r, ok := p.Resource(path); ok != (want != "") || r.Path != want {
			t.Errorf("%q: got %+v, %v; want %q", path, r, ok, want)
		}
	}
	if _, ok := (policy.Policy{}).Resource("/x"); ok {
		t.Error("a policy without resources has one")
	}
}

func TestCheckResourceKey(t *testing.T) {
	for key, right := range map[string]bool{
		"./x": true, "../x": true, "/x": true, "./": true, "../": true, "/": true, "./x/": true, "./..x": true, "./x\n": true,
		"x": false, "": false, ".": false, "..": false, "x/": false, "./.": false, "./..": false, "../..": false, "/..": false,
		".../x": false, ".x": false, "~/x": false, "@tmp": false, "./*": false, "glob:x": false, "file:///x": false,
	} {
		if err := policy.CheckResourceKey(key); (err == nil) != right {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// BenchmarkResource looks a file up among 10,000.
func BenchmarkResource(b *testing.B) {
	var p policy.Policy
	for i := range 10000 {
		p.Resources = append(p.Resources, policy.Resource{Path: fmt.Sprintf("/srv/app/file-%04d.js", i)})
	}
	for b.Loop() {
		if _, ok := p.Resource("/srv/app/file-x.js"); ok {
			b.Fatal("found")
		}
	}
}

// Whether two keys are the same path depends on the folder of the manifest.
func TestSamePath(t *testing.T) {
	const document = `{"resources": {"./a": {"integrity": true}, "../a": {"integrity": true}, "/w/b": {"integrity": true}, "./b/": {"integrity": true}}}`
	for dir, want := range map[string]int{"/x/y": 0, "/w": 1, "/": 1} {
		if found := policy.CheckManifest([]byte(document), "p.json", dir); len(found) != want {
			t.Errorf("in %s: %v", dir, found)
		}
		if _, _, err := policy.ParseManifest([]byte(document), "p.json", dir); (err != nil) != (want > 0) {
			t.Errorf("in %s: %v", dir, err)
		}
	}
}
