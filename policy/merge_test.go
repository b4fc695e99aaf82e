package policy_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"sandrun/policy"
)

// randomPolicy draws a policy from a small pool, so that grants collide.
func randomPolicy(t *testing.T, random *rand.Rand, name string) policy.Policy {
	t.Helper()
	pool := map[string][]string{
		"allow-fs-read":       {"*", "/a", "/a/", "a", "/w/a", "/a*", "glob:/a/*", "@tmp"},
		"allow-fs-write":      {"*", "/a", "/b/../a"},
		"allow-child-process": {"true", "git", "/bin/git", "./git", "/w/git"},
		"allow-worker":        {"true", "false"},
		"allow-addons":        {"*", "true", "/a"},
		"allow-net":           {"true", "h:1", "H:1", "udp://h:1", "h:1-2", "10.0.0.0/8", "dns", "unix:/a"},
		"allow-inspector":     {"true"},
		"allow-env":           {"*", "true", "A", "A*"},
	}
	p := policy.Policy{File: name}
	for range random.IntN(6) {
		c := policy.Capabilities[random.IntN(len(policy.Capabilities))]
		values := pool[c.Flag]
		grants, _, err := policy.ParseFlag(c, values[random.IntN(len(values))], false, "/w")
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range grants {
			g.Source = policy.Source{File: name, Line: len(p.Grants) + 1, Column: 1}
			p.Grants = append(p.Grants, g)
		}
	}
	return p
}

// sense is what a grant means, without how and where it was written.
func sense(g policy.Grant) policy.Grant {
	g.Value, g.Source = "", policy.Source{}
	return g
}

func senses(p policy.Policy) map[policy.Grant]bool {
	set := map[policy.Grant]bool{}
	for _, g := range p.Grants {
		set[sense(g)] = true
	}
	return set
}

func TestMergeKeepsItsLaws(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		a, b, c := randomPolicy(t, random, "a"), randomPolicy(t, random, "b"), randomPolicy(t, random, "c")
		before := fmt.Sprint(a, b, c)
		m := policy.Merge(a, b, c)
		if fmt.Sprint(a, b, c) != before {
			t.Fatal("Merge changed what it was given")
		}
		if again := policy.Merge(m); !reflect.DeepEqual(again, m) {
			t.Fatalf("not idempotent: %+v, then %+v", m, again)
		}
		if twice := policy.Merge(m, m); !reflect.DeepEqual(twice, m) {
			t.Fatalf("merged with itself: %+v, then %+v", m, twice)
		}
		if other := policy.Merge(c, a, b); !reflect.DeepEqual(senses(other), senses(m)) {
			t.Fatalf("the order matters: %+v, else %+v", m, other)
		}
		if split := policy.Merge(policy.Merge(a, b), c); !reflect.DeepEqual(split, m) {
			t.Fatalf("the grouping matters: %+v, else %+v", m, split)
		}
		merged := senses(m)
		if len(merged) != len(m.Grants) {
			t.Fatalf("a grant is there twice: %+v", m.Grants)
		}
		checkFirstSources(t, m, append(append(slices.Clone(a.Grants), b.Grants...), c.Grants...))
	}
}

// checkFirstSources fails unless each grant is in the merged policy, with the
// source of the first that means the same.
func checkFirstSources(t *testing.T, m policy.Policy, all []policy.Grant) {
	t.Helper()
	for _, g := range all {
		same := func(o policy.Grant) bool { return sense(o) == sense(g) }
		first := all[slices.IndexFunc(all, same)]
		i := slices.IndexFunc(m.Grants, same)
		if i < 0 || m.Grants[i] != first {
			t.Fatalf("the grant %+v became %+v", first, m.Grants)
		}
	}
}

func TestMergeTakesTheFirstThatWasSaid(t *testing.T) {
	source := policy.Source{Flag: "--onerror"}
	flags := policy.Policy{OnError: policy.Throw, OnErrorSource: source}
	manifest := policy.Policy{
		OnError: policy.Log, OnErrorSource: policy.Source{File: "p.json", Line: 1, Column: 1},
		Command: []string{"a"}, CommandSource: policy.Source{File: "p.json", Line: 2, Column: 1},
		Process: &policy.Process{User: "x"}, File: "p.json",
		Resources: []policy.Resource{{Path: "/b"}, {Path: "/a", Any: true}, {Path: "/a", Any: true}},
	}
	m := policy.Merge(flags, manifest)
	if m.OnError != policy.Throw || m.OnErrorSource != source {
		t.Errorf("onerror %v of %v: a flag that says throw must win over a manifest", m.OnError, m.OnErrorSource)
	}
	if m.Command[0] != "a" || m.CommandSource.Line != 2 || m.Process.User != "x" || m.File != "p.json" {
		t.Errorf("merged %+v", m)
	}
	if len(m.Resources) != 2 || m.Resources[0].Path != "/a" {
		t.Errorf("resources %+v", m.Resources)
	}
	if m := policy.Merge(policy.Policy{}, manifest); m.OnError != policy.Log {
		t.Error("what a manifest says is lost where no flag says anything")
	}
	if m := policy.Merge(); len(m.Grants) > 0 {
		t.Errorf("nothing merged grants %+v", m.Grants)
	}
}

func BenchmarkMerge(b *testing.B) {
	var p policy.Policy
	for i := range 10000 {
		g, _, err := one(readFlag, fmt.Sprintf("/a/%d/b", i*7919%10007), "/")
		if err != nil {
			b.Fatal(err)
		}
		p.Grants = append(p.Grants, g)
	}
	for b.Loop() {
		policy.Merge(p)
	}
}
