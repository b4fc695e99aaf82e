//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sandrun/cmd/internal/launch"
	"sandrun/policy"
	"sandrun/sandbox"
)

// readme is the README, or one section of it by its title.
func readme(t *testing.T, title string) string {
	t.Helper()
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if title == "" {
		return string(data)
	}
	_, rest, ok := strings.Cut(string(data), "\n## "+title+"\n")
	if !ok {
		t.Fatalf("the README has no section %q", title)
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	return section
}

// fenced returns the blocks of a language.
func fenced(t *testing.T, text, language string) (blocks []string) {
	t.Helper()
	for _, part := range strings.Split(text, "\n```"+language+"\n")[1:] {
		block, _, ok := strings.Cut(part, "\n```")
		if !ok {
			t.Fatal("a block has no end")
		}
		blocks = append(blocks, block)
	}
	if len(blocks) == 0 {
		t.Fatalf("there is no %s block", language)
	}
	return blocks
}

// tableRows returns the cells of the table rows whose first cell matches.
func tableRows(text, first string) (rows [][]string) {
	is := regexp.MustCompile(first)
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		var cells []string
		for _, cell := range strings.Split(strings.Trim(line, "| "), " | ") {
			cells = append(cells, strings.Trim(cell, "` "))
		}
		if is.MatchString(cells[0]) {
			rows = append(rows, cells)
		}
	}
	return rows
}

// TestReadmeTour runs every line of the tour. /tmp is a directory of the test.
// The lines that are shown must be printed, in this order; a line that shows
// nothing must end well.
func TestReadmeTour(t *testing.T) {
	require(t, "/usr/bin/python3")
	require(t, "/usr/bin/make")
	type step struct {
		command string
		shown   []string
	}
	var steps []step
	for _, block := range fenced(t, readme(t, "A tour"), "console") {
		for line := range strings.SplitSeq(block, "\n") {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				steps = append(steps, step{command: command})
				continue
			}
			last := &steps[len(steps)-1]
			last.shown = append(last.shown, line)
		}
	}
	asEach(t, func(t *testing.T, u user, dir string) {
		write(t, u, dir+"/notes.txt", "notes\n", 0o644)
		work := dir + "/work"
		write(t, u, work+"/Makefile", "out/result: source\n\tcp source out/result\n", 0o644)
		write(t, u, work+"/source", "", 0o644)
		write(t, u, work+"/app.py", "print(1)\n", 0o644)
		write(t, u, work+"/notes.txt", "notes\n", 0o644)
		here := strings.NewReplacer("/tmp", dir, "/home/me", work)
		for _, s := range steps {
			r := plain(t, u, work, "/bin/sh", "-c", here.Replace(s.command))
			left := r.out + r.err
			for _, line := range s.shown {
				shown := strings.ReplaceAll(regexp.QuoteMeta(here.Replace(line)), "4711", "[0-9]+") // a pid
				at := regexp.MustCompile(shown).FindStringIndex(left)
				if at == nil {
					t.Errorf("$ %s\n%s%swants %q", s.command, r.out, r.err, line)
					continue
				}
				left = left[at[1]:]
			}
			if len(s.shown) == 0 && r.status != 0 {
				t.Errorf("$ %s\n%s%sstatus %d", s.command, r.out, r.err, r.status)
			}
		}
		if _, err := os.Stat(work + "/out/result"); err != nil {
			t.Errorf("make has made nothing: %v", err)
		}
	})
}

// TestReadmeManifest: the example is valid, and grants what it seems to.
func TestReadmeManifest(t *testing.T) {
	example := fenced(t, readme(t, "Manifest"), "json")[0]
	p, warnings, err := policy.ParseManifest([]byte(example), "policy.json", "/here")
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v %v", err, warnings)
	}
	if len(p.Command) == 0 {
		t.Error("it has no command")
	}
	for _, c := range policy.Capabilities {
		if strings.Contains(example, `"`+c.Flag+`"`) != p.Has(c.Scope) {
			t.Errorf("%s: granted %v", c.Scope, p.Has(c.Scope))
		}
	}
	for _, example := range fenced(t, readme(t, "Manifest"), "json") {
		name := filepath.Join(t.TempDir(), "policy.json")
		if err := os.WriteFile(name, []byte(example), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(sandrun, "policy", "validate", name).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%v\n%s\n%s", err, out, example)
		}
	}
}

// TestReadmePermissions holds the table against the capabilities.
func TestReadmePermissions(t *testing.T) {
	var got, want []string
	for _, row := range tableRows(readme(t, "Permissions"), `^--allow-`) {
		flag, _, _ := strings.Cut(strings.Replace(row[0], "[", "=", 1), "=")
		got = append(got, fmt.Sprintf("%s %s %s %s", flag, row[1], row[2], row[3]))
	}
	for _, c := range policy.Capabilities {
		want = append(want, fmt.Sprintf("--%s %s %s %s", c.Flag, c.Flag, c.Scope, c.Node))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the README has\n%s\nbut there are\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestReadmeFlags: every flag that the README shows is one, and every one that
// this version serves is shown.
func TestReadmeFlags(t *testing.T) {
	text := readme(t, "")
	served, later := map[string]bool{}, map[string]bool{}
	cmd := &cobra.Command{}
	addFlags(cmd, &launch.Settings{})
	cmd.Flags().VisitAll(func(f *pflag.Flag) { served[f.Name] = true })
	for _, f := range launch.Flags() {
		if f.Later {
			later[f.Name] = true
			delete(served, f.Name)
		}
	}
	shown := map[string]bool{}
	for _, m := range regexp.MustCompile("(?:^|[ `(])--([a-z][a-z-]+)").FindAllStringSubmatch(text, -1) {
		shown[m[1]] = true
		if !served[m[1]] && !later[m[1]] {
			t.Errorf("the README shows --%s, which is no flag", m[1])
		}
	}
	for name := range served {
		if !shown[name] {
			t.Errorf("the README does not show --%s", name)
		}
	}
}

// TestReadmeSets: the row of the named sets has them all, in order.
func TestReadmeSets(t *testing.T) {
	rows := tableRows(readme(t, "Permissions"), `^@`)
	if len(rows) != 1 {
		t.Fatalf("%d rows of named sets", len(rows))
	}
	if want := "@" + strings.Join(policy.SetNames(), " @"); rows[0][0] != want {
		t.Errorf("the README has %q, but there are %q", rows[0][0], want)
	}
}

// TestReadmeStatuses holds the exit statuses against the constants.
func TestReadmeStatuses(t *testing.T) {
	section := readme(t, "Exit status")
	var got []string
	for _, row := range tableRows(section, `^[0-9]`) {
		got = append(got, row[0])
	}
	want := []string{fmt.Sprint(launch.SignalBase, "+N"), fmt.Sprint(launch.Killed), fmt.Sprint(launch.Failed), fmt.Sprint(launch.Refused), fmt.Sprint(launch.NotFound)}
	if !slices.Equal(got, want) {
		t.Errorf("the README has %q, but there are %q", got, want)
	}
	if answers := fmt.Sprintf("%d yes, %d no, %d the question was wrong", exitYes, exitNo, exitWrong); !strings.Contains(section, answers) {
		t.Errorf("the README does not say %q", answers)
	}
}

// TestReadmeGaps: the section on kernels names every gap that can be tolerated.
func TestReadmeGaps(t *testing.T) {
	section := readme(t, "Kernels")
	for _, name := range sandbox.GapNames {
		if !strings.Contains(section, "`"+name+"`") {
			t.Errorf("the README does not name the gap %q", name)
		}
	}
	for _, m := range regexp.MustCompile("--tolerate=([a-z-]+)").FindAllStringSubmatch(readme(t, ""), -1) {
		if !slices.Contains(sandbox.GapNames, m[1]) {
			t.Errorf("the README tolerates %q, which is no gap", m[1])
		}
	}
}

// TestReadmeTestCommand: there is one command that runs the tests, and .ci/run
// takes exactly it.
func TestReadmeTestCommand(t *testing.T) {
	lines := regexp.MustCompile(`(?m)^go test .*\./\.\.\.$`).FindAllString(readme(t, ""), -1)
	if len(lines) != 1 {
		t.Fatalf("test commands: %q", lines)
	}
	ci, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	search := regexp.MustCompile(`(?m)^tests=\$\((.*)\)$`).FindSubmatch(ci)
	if search == nil {
		t.Fatal(".ci/run does not look the test command up")
	}
	c := exec.Command("/bin/sh", "-c", string(search[1]))
	c.Dir = "../.."
	if out, err := c.CombinedOutput(); err != nil || string(out) != lines[0]+"\n" {
		t.Errorf(".ci/run takes %q, %v; the README has %q", out, err, lines[0])
	}
}
