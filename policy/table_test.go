package policy_test

import (
	"bytes"
	"encoding/json"
	"go/parser"
	"go/token"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sandrun/policy"
	"sandrun/schemas"
)

func TestCapabilities(t *testing.T) {
	want := []policy.Scope{policy.FSRead, policy.FSWrite, policy.Child, policy.Worker, policy.Addon, policy.Net, policy.Inspector, policy.Env}
	var got []policy.Scope
	for _, c := range policy.Capabilities {
		got = append(got, c.Scope)
		if found, ok := policy.Lookup(c.Scope); !ok || found != c {
			t.Errorf("Lookup(%s) = %+v", c.Scope, found)
		}
		if c.Flag == "" || c.Node == "" || c.Help == "" || (c.Arg == "") != (c.Value == policy.Switch) {
			t.Errorf("%s: the row is incomplete: %+v", c.Scope, c)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the table has %v, want %v", got, want)
	}
	if _, ok := policy.Lookup("fs"); ok {
		t.Error("fs is two scopes, not one")
	}
}

func TestOnErrorNames(t *testing.T) {
	for _, o := range []policy.OnError{policy.Throw, policy.Log, policy.Exit} {
		if found, ok := policy.ParseOnError(o.String()); !ok || found != o {
			t.Errorf("%v became %v, %v", o, found, ok)
		}
	}
	if o, ok := policy.ParseOnError("ignore"); ok || o != policy.Throw {
		t.Errorf("an unknown name became %v, %v", o, ok)
	}
}

func TestSets(t *testing.T) {
	secret := regexp.MustCompile(`shadow|private|credential|\.ssh|\.netrc|token|machine-id|sudoers|\.gnupg|wgetrc|environ`)
	for _, name := range policy.SetNames() {
		entries, ok := policy.LookupSet(name)
		if !ok || len(entries) == 0 {
			t.Errorf("@%s is empty", name)
		}
		seen := map[string]bool{}
		for _, e := range entries {
			p, ok := e.In(policy.Dirs{Home: "/home/me", Tmp: "/var/tmp", Work: "/w"})
			if !ok || !path.IsAbs(p) || path.Clean(p) != p || seen[p] || e.Why == "" || e.Dynamic() != (p != e.Path) {
				t.Errorf("@%s: %+v stands for %q", name, e, p)
			}
			if _, ok := e.In(policy.Dirs{}); ok == e.Dynamic() {
				t.Errorf("@%s: %+v where the place is not known", name, e)
			}
			if secret.MatchString(p) {
				t.Errorf("@%s: %s looks like a secret", name, p)
			}
			seen[p] = true
		}
	}
	if _, ok := policy.LookupSet("nope"); ok {
		t.Error("there is a set @nope")
	}
	entries, _ := policy.LookupSet("tmp")
	if p, ok := entries[0].In(policy.Dirs{Tmp: "/tmp"}); !ok || p != "/tmp" {
		t.Errorf("@tmp is %q", p)
	}
	entries, _ = policy.LookupSet("git")
	if p, _ := entries[1].In(policy.Dirs{Home: "/root"}); p != "/root/.gitconfig" {
		t.Errorf("@git has %q", p)
	}
}

func TestSources(t *testing.T) {
	for want, s := range map[string]policy.Source{
		"--allow-net": {Flag: "--allow-net"}, "p.json:7:21": {File: "p.json", Line: 7, Column: 21}, ":1:2": {Line: 1, Column: 2}, "": {},
	} {
		if s.String() != want {
			t.Errorf("%+v is %q", s, s)
		}
	}
}

// The schema has the table's keys, the named sets and the names of onerror.
func TestSchemaFollowsTheTables(t *testing.T) {
	var schema struct {
		Properties struct {
			OnError    struct{ Enum []string } `json:"onerror"`
			Permission struct{ Properties map[string]struct{ Type any } }
		}
		Defs map[string]struct{ Pattern string } `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(schemas.Policy), &schema); err != nil {
		t.Fatal(err)
	}
	keys := schema.Properties.Permission.Properties
	for _, c := range policy.Capabilities {
		if _, ok := keys[c.Flag]; !ok {
			t.Errorf("the schema lacks %s", c.Flag)
		}
	}
	if len(keys) != len(policy.Capabilities) {
		t.Errorf("the schema has %d permissions, the table %d", len(keys), len(policy.Capabilities))
	}
	if !slices.Equal(schema.Properties.OnError.Enum, policy.OnErrorNames) {
		t.Errorf("onerror takes %q in the schema", schema.Properties.OnError.Enum)
	}
	if sets := "@(?:" + strings.Join(policy.SetNames(), "|") + ")"; strings.Count(schemas.Policy, sets) != 2 {
		t.Errorf("the schema does not have %s in patterns and in unix: rules", sets)
	}
}

// Every property of the schema is described, for editors.
func TestSchemaIsDescribed(t *testing.T) {
	var schema any
	if err := json.Unmarshal([]byte(schemas.Policy), &schema); err != nil {
		t.Fatal(err)
	}
	count := 0
	var walk func(at string, v any)
	walk = func(at string, v any) {
		object, ok := v.(map[string]any)
		if !ok {
			return
		}
		for key, value := range object {
			walk(at+"/"+key, value)
			if members, ok := value.(map[string]any); ok && (key == "properties" || key == "$defs") {
				for name, member := range members {
					count++
					if text, _ := member.(map[string]any)["description"].(string); len(text) < 10 {
						t.Errorf("%s/%s/%s has no description", at, key, name)
					}
				}
			}
		}
	}
	walk("", schema)
	if count < 20 {
		t.Errorf("only %d properties were found", count)
	}
}

// The language is pure: it reaches the system by no direct import, and of this
// module it knows only integrity, which reaches nothing either.
func TestImports(t *testing.T) {
	allowed := map[string][]string{
		".":            {"github.com/bmatcuk/doublestar/v4", "sandrun/integrity"},
		"../integrity": nil,
	}
	banned := []string{"os", "syscall", "os/exec", "os/user", "os/signal", "net", "io/ioutil", "path/filepath", "unsafe", "runtime", "plugin", "log"}
	for dir, others := range allowed {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range file.Imports {
				imported, _ := strconv.Unquote(spec.Path.Value)
				first, _, _ := strings.Cut(imported, "/")
				foreign := strings.Contains(first, ".") || first == "sandrun"
				if slices.Contains(banned, imported) || foreign && !slices.Contains(others, imported) {
					t.Errorf("%s imports %s", name, imported)
				}
			}
		}
	}
}

// The launcher links this package: it must bring no schema validator, and no
// regular expressions or templates, which cost time before main.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "sandrun/policy").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"regexp", "text/template", "net/http", "encoding/json", "github.com/santhosh-tekuri/jsonschema/v5", "sandrun/schemas"} {
		if slices.Contains(strings.Split(string(bytes.TrimSpace(out)), "\n"), bad) {
			t.Errorf("policy depends on %s", bad)
		}
	}
}
