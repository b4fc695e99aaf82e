package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"sandrun/policy"
	"sandrun/sandbox/closure"
)

// An Answer says whether the policy grants something, and by what.
type Answer struct {
	Granted   bool
	Scope     policy.Scope
	Reference string // as it was asked
	Resource  string // what it resolves to; "" where nothing was asked about
	Partial   bool   // something below a directory is granted, not the directory
	By        string // the deciding grant and its source
	Stands    string // what that grant stands for
	Flag      string // what would grant it; "" where it is granted
	Layer     string // what holds it: "Landlock", "seccomp", "supervisor", "environment"
	Later     bool   // the grant covers it, but this version holds it for existing files only
	Notes     []string
}

// FSBoth is the question about fs.read and fs.write together.
const FSBoth policy.Scope = "fs"

// Ask answers whether a scope, or one resource of it, is granted. An error means
// that the question was wrong.
func (f *Facts) Ask(scope policy.Scope, reference string) (Answer, error) {
	if scope == FSBoth {
		return f.askBoth(reference)
	}
	a, err := f.ask(scope, reference)
	if a.Granted {
		a.Flag = ""
	}
	return a, err
}

func (f *Facts) ask(scope policy.Scope, reference string) (Answer, error) {
	a := Answer{Scope: scope, Reference: reference}
	capability, ok := policy.Lookup(scope)
	if !ok {
		return a, fmt.Errorf("%q is no scope", scope)
	}
	a.Layer = Layer(scope)
	if reference == "" {
		g, all := f.Policy.All(scope)
		a.Granted, a.Flag = all, "--"+capability.Flag
		switch {
		case all:
			a.by(g)
		case capability.Value == policy.Patterns:
			a.Flag += "='*'"
		}
		return a, nil
	}
	switch scope {
	case policy.FSRead, policy.FSWrite, policy.Addon:
		return a, f.askFile(&a, capability)
	case policy.Child:
		return a, f.askProgram(&a)
	case policy.Env:
		return a, f.askVariable(&a)
	case policy.Net:
		return a, f.askNet(&a, capability)
	}
	return a, fmt.Errorf("%s is granted or not as a whole: it takes no reference", scope)
}

// Layer names what holds a scope.
func Layer(s policy.Scope) string {
	switch s {
	case policy.FSRead, policy.FSWrite:
		return "Landlock"
	case policy.Child, policy.Worker, policy.Net, policy.Inspector:
		return "seccomp"
	case policy.Addon:
		return "supervisor"
	case policy.Env:
		return "environment"
	}
	return ""
}

func (a *Answer) by(g policy.Grant) { a.By = written(g) }

// written is a grant as its author wrote it, or where and what.
func written(g policy.Grant) string {
	switch {
	case g.Value == "":
		return g.Source.String()
	case g.Source.Flag != "":
		return g.Source.Flag + "=" + g.Value
	}
	return g.Source.String() + " (" + g.Value + ")"
}

// askBoth combines reading and writing: both must be granted.
func (f *Facts) askBoth(reference string) (Answer, error) {
	read, err := f.Ask(policy.FSRead, reference)
	if err != nil {
		return read, err
	}
	write, err := f.Ask(policy.FSWrite, reference)
	if err != nil {
		return write, err
	}
	both := read
	both.Scope = FSBoth
	both.Granted = read.Granted && write.Granted
	both.Partial = !both.Granted && (read.Partial || read.Granted) && (write.Partial || write.Granted)
	both.Later = read.Later || write.Later
	both.Notes = append(both.Notes, write.Notes...)
	slices.Sort(both.Notes)
	both.Notes = slices.Compact(both.Notes)
	both.By, both.Stands, both.Flag = "", "", strings.TrimSpace(read.Flag+" "+write.Flag)
	if both.Granted {
		both.By = read.By + " and " + write.By
	}
	return both, nil
}

// askFile answers for a path.
func (f *Facts) askFile(a *Answer, c policy.Capability) error {
	p, err := f.resource(a)
	if err != nil {
		return err
	}
	if g := f.deciding(a.Scope, p); g != nil {
		a.Granted = true
		a.by(g.Grant)
		a.Stands = stands(g)
		a.Layer = g.Layer()
		a.Later = a.Scope != policy.Addon && !g.Holds(p) && g.Covers(p)
		return nil
	}
	if _, all := f.Policy.All(a.Scope); all && a.Scope == policy.Addon {
		g, _ := f.Policy.All(a.Scope)
		a.Granted = true
		a.by(g)
		return nil
	}
	if of, file := f.inClosure(a.Scope, p); file != nil {
		a.Granted = true
		a.By = "closure of " + of
		a.Stands = file.Why
		return nil
	}
	a.Partial = f.partly(a.Scope, p)
	a.Flag = "--" + c.Flag + "=" + flagValue(p)
	if kernelFile := f.kernelReason(a.Scope, p); kernelFile != "" {
		a.Notes = append(a.Notes, kernelFile)
	}
	if a.Scope != policy.FSWrite || f.UID != 0 {
		return nil
	}
	mounts, err := readMounts()
	if mounts.isKernel(p) {
		a.Flag += " --tolerate=kernel-files"
		a.Notes = append(a.Notes, "as root, to write into a kernel file system is a way out of the sandbox")
	}
	return err
}

// resource resolves the reference of an answer as the kernel would.
func (f *Facts) resource(a *Answer) (string, error) {
	if strings.ContainsRune(a.Reference, 0) {
		return "", errors.New("a path has no zero byte")
	}
	p := a.Reference
	if !path.IsAbs(p) {
		p = f.Dir + "/" + p
	}
	if own, ok := ownEntry(path.Clean(p)); ok {
		a.Resource = own
		return own, nil
	}
	at, err := find(p)
	if err != nil {
		return "", fmt.Errorf("%s: %w", a.Reference, errors.Unwrap(err))
	}
	resolved := at.path
	if clean := path.Clean(p); clean != resolved {
		text := "%s leads to it by a symbolic link"
		if st, err := os.Lstat(clean); err == nil && st.Mode()&os.ModeSymlink != 0 {
			text = "%s is a symbolic link to it"
		}
		a.Notes = append(a.Notes, fmt.Sprintf(text, a.Reference))
	}
	a.Resource = resolved
	return resolved, nil
}

// deciding finds the grant that covers a path, and prefers one that a kernel
// rule holds now.
func (f *Facts) deciding(scope policy.Scope, p string) *Resolved {
	var later *Resolved
	// A thread's entries lie below those of its process.
	thread := "/proc/self/task/1" + strings.TrimPrefix(p, "/proc/thread-self")
	for i := range f.Grants {
		g := &f.Grants[i]
		if g.Grant.Scope == scope && below(p, "/proc/thread-self") && g.Covers(thread) {
			return g
		}
		if g.Grant.Scope != scope || !g.Covers(p) {
			continue
		}
		if g.Holds(p) {
			return g
		}
		later = g
	}
	return later
}

// inClosure finds a path in what the program, or one of a program list, needs in
// order to start. It returns that program too.
func (f *Facts) inClosure(scope policy.Scope, p string) (program string, file *closure.File) {
	want := map[policy.Scope]closure.Access{
		policy.FSRead: closure.Read, policy.FSWrite: closure.Write, policy.Addon: closure.Map,
	}[scope]
	for _, c := range f.closures() {
		for i := range c.Files {
			file := &c.Files[i]
			if file.Access&want != 0 && (file.Path == p || file.Tree && below(p, file.Path)) {
				return c.Program, file
			}
		}
	}
	return "", nil
}

// partly tells whether anything below a path is granted.
func (f *Facts) partly(scope policy.Scope, p string) bool {
	for i := range f.Grants {
		if f.Grants[i].Grant.Scope != scope {
			continue
		}
		for _, area := range f.Grants[i].Areas {
			if area.Path != "" && below(area.Path, p) {
				return true
			}
		}
	}
	return false
}

// kernelReason says when a write is refused because the path lies in a kernel
// file system that a wider grant leaves out.
func (f *Facts) kernelReason(scope policy.Scope, p string) string {
	for _, g := range f.Grants {
		for _, m := range g.Except {
			if g.Grant.Scope == scope && below(p, m) {
				return fmt.Sprintf("%s is a kernel file system, which %s leaves out", m, written(g.Grant))
			}
		}
	}
	return ""
}

// stands says what a grant covers, in words.
func stands(g *Resolved) string { return strings.Join(Stands(g), ", ") }

// Stands says what a resolved grant covers, in words, an area each.
func Stands(g *Resolved) []string {
	texts := make([]string, 0, len(g.Areas))
	for _, a := range g.Areas {
		texts = append(texts, describe(a))
	}
	return texts
}

func describe(a policy.Area) string {
	switch a.Kind {
	case policy.AreaEverything:
		return "everything"
	case policy.AreaTree:
		return a.Path + " and everything below"
	case policy.AreaPrefix:
		return "everything that begins with " + a.Path
	case policy.AreaGlob:
		return "what matches " + a.Path
	}
	return a.Path
}

// flagValue writes a path so that a flag reads it back as itself.
func flagValue(p string) string { return strings.ReplaceAll(p, ",", `\,`) }
