package closure

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// envOutput is what the real env does with arguments: what it starts is a shell
// that prints the arguments and the environment.
func envOutput(t *testing.T, env, args []string) (string, bool) {
	t.Helper()
	cmd := exec.Command("/usr/bin/env", args...)
	cmd.Env = env
	out, err := cmd.Output()
	return string(out), err == nil
}

// ourOutput is what we would start, run.
func ourOutput(t *testing.T, env, args []string) (string, bool) {
	t.Helper()
	line, err := parseEnv(args, environ(env...))
	if err != nil {
		return err.Error(), false
	}
	cmd := exec.Command("/bin/sh")
	cmd.Path, cmd.Args, cmd.Env = line.name, line.argv, line.change.Apply(env)
	out, err := cmd.Output()
	return string(out), err == nil
}

// printAll is a shell command that shows what it got.
var printAll = []string{"/bin/sh", "-c", `printf '<%s>' "$0" "$@"; /usr/bin/env | /usr/bin/sort | /bin/grep '^[XY]'`}

// TestEnvAgrees compares with the env of this system.
func TestEnvAgrees(t *testing.T) {
	need(t, "/usr/bin/env")
	env := []string{"PATH=/usr/bin:/bin", "X=one", "XX=two words", "Y=y"}
	for _, options := range [][]string{
		{},
		{"-i"},
		{"-"},
		{"--ignore-environment"},
		{"-u", "X"},
		{"-uX", "-u", "Y"},
		{"--unset=X", "X=new"},
		{"--unset", "X"},
		{"-iu", "X", "Y=1", "Y=2"},
		{"--", "X=3"},
		{"-i", "--", "-", "X=4"},
		{"X=5", "XY=="},
		{"-S", "-i X=6"},
		{"-SX=7"},
		{"--split-string=-u X -u XX"},
		{"-S-u${Y}", "X=8"},
		{"-S", "-S -i"},
		{"-iSX=9"},
		{"-x"},
		{"-i-"},
		{"--nonsense"},
		{"-u"},
	} {
		args := append(slices.Clone(options), printAll...)
		want, ran := envOutput(t, env, args)
		if got, ok := ourOutput(t, env, args); ok != ran || ok && got != want {
			t.Errorf("env %q:\n%s\nenv itself: %v\n%s", options, got, ran, want)
		}
	}
}

// TestEnvRefuses lists what env does and we do not: it says so.
func TestEnvRefuses(t *testing.T) {
	for _, args := range [][]string{
		{"-C", "/", "x"},
		{"--chdir=/", "x"},
		{"-v", "x"},
		{"-0"},
		{"-vS", "x"},
		{"-i x"},
		{"--default-signal", "x"},
		{"--ignore-environment=1", "x"},
		{},
		{"A=1"},
		{"-S", `-S"${A}"`},
	} {
		if line, err := parseEnv(args, environ(`A=-S${A}`)); err == nil || !strings.HasPrefix(err.Error(), "its #! line") {
			t.Errorf("parseEnv(%q) = %+v, %v", args, line, err)
		}
	}
}

// splitCases are strings for env -S.
var splitCases = []string{
	`a b`, ` a  b `, `'a b' c`, `"a b"c`, `a\_b`, `"a\_b"`, `a\ b`, `a\tb\nc`, `'a\tb'`, `'a\'b\\'`, `"\"\$\\"`, `\#a`, `a#b`, `a #b c`, `#`,
	`a\cb c`, `"a\c"`, `${X}`, `${XX}`, `"${XX}"`, `'${X}'`, `${NONE}`, `a${NONE}`, `"${NONE}"`, `$X`, `${X`, `${1}`, `${X Y}`, `''`, `""`, `'`,
	`"`, `a\`, `\x`, "a\x0bb\x0cc\rd", `\f\v\r`, `a''b`, `\_`, `\'`, `'\"'`, `"\'"`, `$`, `${}`, `"#"`, `''#a`, `\c`, `\`,
}

func TestSplitStringAgrees(t *testing.T) {
	need(t, "/usr/bin/env")
	cases := slices.Clone(splitCases)
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{" ", "\t", "'", `"`, `\`, "#", "$", "${X}", "${XX}", "a", "b", "_", "c", "n", "{", "}"}
	for range 300 {
		var s strings.Builder
		for range 1 + r.IntN(8) {
			s.WriteString(pieces[r.IntN(len(pieces))])
		}
		cases = append(cases, s.String())
	}
	env := []string{"X=one", "XX=two words", "PATH=/usr/bin"}
	for _, s := range cases {
		// A word in front, so that what comes out is never an option or a NAME=VALUE.
		args := append([]string{"-S", `/bin/sh -c 'printf "<%s>" "$@"' sh first ` + s}, "last")
		want, ran := envOutput(t, env, args)
		if got, ok := ourOutput(t, env, args); ok != ran || ok && got != want {
			t.Errorf("env -S %q: %s %v, env itself: %s %v", s, got, ok, want, ran)
		}
	}
}

func FuzzSplitString(f *testing.F) {
	for _, s := range splitCases {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words, err := splitString(s, environ("X=one"))
		if err != nil {
			return
		}
		// What was split stays as it is when it is quoted and split again.
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, "'"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(w)+"'")
		}
		again, err := splitString(strings.Join(quoted, " "), nothing)
		if err != nil || !slices.Equal(again, words) {
			t.Errorf("%q splits into %q, and that into %q, %v", s, words, again, err)
		}
	})
}

// TestEnvChange holds then and lookup against Apply.
func TestEnvChange(t *testing.T) {
	changes := []EnvChange{
		{},
		{Clear: true},
		{Unset: []string{"A"}},
		{Set: []string{"A=2"}},
		{Set: []string{"A=2", "B=3", "A=4"}},
		{Clear: true, Set: []string{"B=5"}},
		{Unset: []string{"A", "B"}, Set: []string{"A=6"}},
	}
	env := []string{"A=0", "AB=1", "C"}
	sorted := func(e []string) string { e = slices.Clone(e); slices.Sort(e); return fmt.Sprint(e) }
	for _, c := range changes {
		for _, d := range changes {
			one, two := sorted(c.then(d).Apply(env)), sorted(d.Apply(c.Apply(env)))
			if one != two {
				t.Errorf("%+v then %+v: %s, one after the other: %s", c, d, one, two)
			}
		}
		for _, name := range []string{"A", "AB", "B"} {
			got, ok := c.lookup(environ("A=0", "AB=1"))(name)
			if slices.Contains(c.Apply(env), name+"="+got) != ok {
				t.Errorf("%+v: lookup(%s) = %q, %v", c, name, got, ok)
			}
		}
	}
}
