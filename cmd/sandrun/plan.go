//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sandrun/cmd/internal/launch"
	"sandrun/cmd/internal/voice"
	"sandrun/policy"
	"sandrun/sandbox"
	"sandrun/sandbox/closure"
)

const planUsage = `Print what would be enforced, by which layer and why, without running anything.

  sandrun plan [--policy FILE] [flags] [-- COMMAND]

The exit status is 0 if the plan can be carried out here, 1 if not, 2 when the
question was wrong.`

func newPlan(s *launch.Settings) *cobra.Command {
	cmd := &cobra.Command{
		Use: "plan [flags] [-- COMMAND]", Short: "print what would be enforced", Long: planUsage,
		DisableFlagsInUseLine: true,
		RunE:                  func(_ *cobra.Command, args []string) error { return plan(s, args) },
	}
	addFlags(cmd, s)
	return cmd
}

func plan(s *launch.Settings, args []string) error {
	if err := s.RunsNothing(); err != nil {
		return err
	}
	r, err := s.Request(args)
	if err != nil {
		return err
	}
	facts, err := sandbox.Gather(r, false)
	if err != nil {
		return err
	}
	p, refusal := sandbox.NewPlan(facts)
	if p == nil {
		voice.Tell("error", "%v", refusal)
		return launch.Status(exitNo)
	}
	v := view(p, refusal)
	if s.JSON {
		err = printJSON(os.Stdout, v)
	} else {
		err = v.print(os.Stdout)
	}
	if err == nil && refusal != nil {
		return launch.Status(exitNo)
	}
	return err
}

// A planView is a plan as it is printed.
type planView struct {
	Program  string      `json:"program,omitempty"`
	Argv     []string    `json:"argv,omitempty"`
	Mode     string      `json:"mode"` // direct or supervised
	Reasons  []string    `json:"reasons"`
	Kernel   string      `json:"kernel"`
	Grants   []grantView `json:"grants"`
	Closure  []fileView  `json:"closure"`
	Pinned   []pinView   `json:"pinned"`
	Denied   []string    `json:"denied"`
	Removed  []string    `json:"removed"` // variables
	Gaps     []gapView   `json:"gaps"`    // tolerated
	Refusal  string      `json:"refusal,omitempty"`
	Notes    []string    `json:"notes"`
	Warnings []string    `json:"warnings"`
	Probes   []probeView `json:"probes"` // denied quietly: no records, and no end under onerror exit
	Open     []string    `json:"open"`   // what no permission covers
}

type probeView struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

type grantView struct {
	Scope  policy.Scope `json:"scope"`
	Value  string       `json:"value"`
	Stands []string     `json:"stands"`
	Layer  string       `json:"layer"`
	Held   string       `json:"held"`
	Source string       `json:"source"`
	Notes  []string     `json:"notes"`
}

type fileView struct {
	Path   string `json:"path"`
	Access string `json:"access"`
	Of     string `json:"of"` // the program that needs it
	Why    string `json:"why"`
}

type pinView struct {
	Path      string `json:"path"`
	Integrity string `json:"integrity"`
	Source    string `json:"source"`
}

type gapView struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// open is what no permission covers, on any kernel.
var open = []string{
	"names, sizes and times of files can be seen (stat, access, readlink, O_PATH, getxattr, statfs, inotify, chdir): Landlock has no right for them",
}

func view(p *sandbox.Plan, refusal error) planView {
	f := p.Facts()
	v := planView{
		Program: p.Program, Argv: p.Argv, Mode: "direct", Reasons: list(p.Reasons), Kernel: f.Kernel.String(),
		Grants: []grantView{}, Closure: []fileView{}, Pinned: []pinView{}, Denied: []string{}, Removed: list(p.Removed), Gaps: []gapView{},
		Notes: list(p.Notes), Warnings: list(p.Warnings), Probes: []probeView{}, Open: open,
	}
	for _, probe := range p.Probes() {
		v.Probes = append(v.Probes, probeView{probe.Path, probe.Why})
	}
	if p.Supervised() {
		v.Mode = "supervised"
	}
	if refusal != nil {
		v.Refusal = refusal.Error()
	}
	for _, g := range p.Accepted {
		v.Gaps = append(v.Gaps, gapView{g.Name, g.Text})
	}
	v.addGrants(f)
	if f.Closure != nil {
		v.addClosure(f.Closure)
	}
	for _, listed := range f.Programs {
		v.addClosure(listed.Closure)
	}
	for _, r := range f.Policy.Resources {
		if !r.Any && !r.Dir {
			v.Pinned = append(v.Pinned, pinView{r.Path, r.Integrity.String(), r.Source.String()})
		}
	}
	for _, c := range policy.Capabilities {
		if !f.Policy.Has(c.Scope) {
			v.Denied = append(v.Denied, string(c.Scope))
		}
	}
	return v
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// addClosure lists what a program needs in order to start.
func (v *planView) addClosure(c *closure.Closure) {
	for _, file := range c.Files {
		v.Closure = append(v.Closure, fileView{file.Path + tree(file), file.Access.String(), c.Program, file.Why})
	}
}

// addGrants lists the file grants as they were resolved, then the others.
func (v *planView) addGrants(f *sandbox.Facts) {
	for i := range f.Grants {
		g := &f.Grants[i]
		held := heldNow
		if g.Later() {
			held = heldExisting
		}
		v.Grants = append(v.Grants, grantView{
			Scope: g.Grant.Scope, Value: g.Grant.Value, Stands: sandbox.Stands(g), Layer: g.Layer(),
			Held: held, Source: g.Grant.Source.String(), Notes: list(g.Notes),
		})
	}
	for _, g := range f.Policy.Grants {
		switch g.Scope {
		case policy.FSRead, policy.FSWrite:
			continue
		case policy.Addon:
			if !g.All {
				continue
			}
		}
		v.Grants = append(v.Grants, grantView{
			Scope: g.Scope, Value: g.Value, Stands: []string{}, Layer: sandbox.Layer(g.Scope),
			Held: heldNow, Source: g.Source.String(), Notes: []string{},
		})
	}
}

func tree(f closure.File) string {
	if f.Tree {
		return "/"
	}
	return ""
}

// print writes the plan for a person.
func (v planView) print(w io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(voice.Escape(fmt.Sprintf(format, args...)) + "\n") }
	section := func(title string, items []string) {
		if len(items) == 0 {
			return
		}
		line("%s:", title)
		for _, i := range items {
			line("  %s", i)
		}
	}
	if v.Program != "" {
		line("program: %s", v.Program)
	}
	line("mode: %s", v.Mode)
	section("because", v.Reasons)
	line("kernel: %s", v.Kernel)
	line("granted:")
	for _, g := range v.Grants {
		subject := string(g.Scope)
		if len(g.Stands) > 0 {
			subject += " " + strings.Join(g.Stands, ", ")
		}
		line("  %s  by %s, held by %s", subject, from(g), g.Layer)
		if g.Held != heldNow {
			line("    %s", g.Held)
		}
		for _, n := range g.Notes {
			line("    %s", n)
		}
	}
	for _, f := range v.Closure {
		line("  %s %s  by closure of %s: %s", f.Access, f.Path, f.Of, f.Why)
	}
	var pinned []string
	for _, p := range v.Pinned {
		pinned = append(pinned, fmt.Sprintf("%s  %s, by %s", p.Path, p.Integrity, p.Source))
	}
	section("pinned", pinned)
	section("denied", v.Denied)
	section("variables removed", v.Removed)
	var gaps []string
	for _, g := range v.Gaps {
		gaps = append(gaps, g.Name+": "+g.Text)
	}
	section("not covered on this kernel (tolerated)", gaps)
	section("not covered on any kernel", v.Open)
	var probes []string
	for _, p := range v.Probes {
		probes = append(probes, p.Path+": "+p.Why)
	}
	section("denied without a record", probes)
	section("notes", v.Notes)
	section("warnings", v.Warnings)
	if v.Refusal != "" {
		line("refused: %s", v.Refusal)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func from(g grantView) string {
	if g.Value == "" {
		return g.Source
	}
	return g.Source + " " + g.Value
}
