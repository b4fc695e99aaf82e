package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"github.com/spf13/cobra"

	"sandrun/cmd/internal/content"
	"sandrun/integrity"
	"sandrun/policy"
)

const lockManual = `Write the digests of the resources of a manifest, in place.

Each listed file is hashed; where its content is not what the manifest says, the
digest is replaced. "integrity": true stays. Files that are named are the only ones
looked at, and are listed where they are not yet. Everything else in the document
stays as it is, byte for byte.

A digest keeps its algorithm; a new one is sha384. Where several digests stand and
one of the strongest algorithm is right, nothing changes; where none is, all of
them are replaced by one.

The manifest is replaced at once, or not at all: with one file that cannot be
hashed nothing is written. A symbolic link to a manifest stays a link.

--check writes nothing and prints a line for each resource that drifted.

Exit status: 0 done, or nothing drifted; 1 something drifted (--check); 2 the
question was wrong, or nothing was written.`

func newLock(r reporter, status *int) *cobra.Command {
	check := false
	cmd := &cobra.Command{
		Use: "lock MANIFEST [FILE...]", Short: "write the digests of resources into a manifest", Long: lockManual,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("lock needs a manifest")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			schema, err := compile()
			if err != nil {
				return err
			}
			l, err := newLocker(r, schema, args[0])
			if err != nil {
				return err
			}
			l.check = check
			if err := l.examine(args[1:]); err != nil {
				return err
			}
			if check {
				*status = l.report()
				return nil
			}
			*status, err = l.write()
			return err
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "only report what drifted")
	return cmd
}

// A locker compares the resources of a manifest with their files.
type locker struct {
	reporter
	schema   *jsonschema.Schema
	manifest *manifest
	dir      string // of relative keys
	check    bool   // only
	listed   []listed
	findings []finding
	failed   bool // an error was said
}

// A listed resource has the key that the document writes.
type listed struct {
	policy.Resource
	key string
}

// A finding is a resource that is not what the manifest says.
type finding struct {
	pin
	verb  string // what is done about it
	drift string // what --check says
}

// newLocker reads a manifest, which must be valid.
func newLocker(r reporter, schema *jsonschema.Schema, name string) (*locker, error) {
	m, err := openManifest(name)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	l := &locker{reporter: r, schema: schema, manifest: m, dir: dir}
	if err := l.judged(m.data, "it is not valid"); err != nil {
		return nil, err
	}
	p, _, err := policy.ParseManifest(m.data, name, dir)
	if err != nil {
		return nil, err
	}
	layout, _ := policy.Layout(m.data)
	resources, _ := layout.Member("resources")
	for i, res := range p.Resources { // in the order of the document
		l.listed = append(l.listed, listed{res, resources.Object.Members[i].Key})
	}
	return l, nil
}

// judged prints what validate would say of a document.
func (l *locker) judged(data []byte, text string) error {
	violations := judge(l.schema, data, l.manifest.name, l.dir)
	for _, v := range violations {
		l.violation(v)
	}
	if len(violations) > 0 {
		return manifestError(l.manifest.name, errors.New(text))
	}
	return nil
}

// examine hashes the resources, or those that are named.
func (l *locker) examine(names []string) error {
	if len(names) == 0 {
		if len(l.listed) == 0 {
			l.say("hint", "the manifest lists no resources: name the files that it should pin")
		}
		for _, res := range l.listed {
			if !res.Any {
				l.compare(res)
			}
		}
		return nil
	}
	seen := map[string]bool{}
	for _, name := range names {
		path, err := filepath.Abs(name)
		if err != nil {
			return err
		}
		if !seen[path] {
			seen[path] = true
			l.named(name, path)
		}
	}
	return nil
}

// named looks at one named file.
func (l *locker) named(name, path string) {
	for _, res := range l.listed {
		switch {
		case res.Path != path:
		case res.Any:
			l.say("warning", fmt.Sprintf("%q takes any content: it stays so", res.key))
			return
		default:
			l.compare(res)
			return
		}
	}
	key, err := l.keyOf(name, path)
	if err != nil {
		l.fail(name, err)
		return
	}
	d, err := l.hash(path, integrity.DefaultAlgorithm)
	if err != nil {
		l.fail(name, err)
		return
	}
	l.findings = append(l.findings, finding{pin{key, d.String()}, "added", fmt.Sprintf("%s: %q is not listed", l.manifest.name, key)})
}

// keyOf is the key of a file: from the folder of the manifest, but an absolute
// path that leads elsewhere stays one.
func (l *locker) keyOf(name, path string) (string, error) {
	key, err := filepath.Rel(l.dir, path)
	switch {
	case err != nil:
		return "", err
	case key != ".." && !strings.HasPrefix(key, "../"):
		key = "./" + key
	case filepath.IsAbs(name):
		key = path
	}
	if !utf8.ValidString(key) {
		return "", errors.New("its name is not UTF-8, which a manifest must be")
	}
	return key, policy.CheckResourceKey(key)
}

// compare looks for drift of a listed file. One that is gone, or is no file any
// more, has drifted too; it has no digest that could be written.
func (l *locker) compare(res listed) {
	d, err := l.hash(res.Path, res.Integrity[0].Algorithm)
	var kind *content.KindError
	gone := errors.As(err, &kind) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	switch {
	case gone && l.check:
		err = fmt.Errorf("integrity of %q: %w (%s)", res.key, err, integrity.Code)
	case err != nil:
		l.fail(res.key, err)
		return
	default:
		err = res.Integrity.Assert(res.key, d)
	}
	if err != nil {
		l.findings = append(l.findings, finding{pin{res.key, d.String()}, "updated", fmt.Sprintf("%s: %v", res.Source, err)})
	}
}

// hash returns the digest of a file that is not the manifest itself.
func (l *locker) hash(path, algorithm string) (integrity.Digest, error) {
	if info, err := os.Stat(path); err == nil && os.SameFile(info, l.manifest.info) {
		return integrity.Digest{}, errors.New("the manifest cannot hold its own digest: pin it with --policy-integrity")
	}
	return content.Hash(path, algorithm)
}

func (l *locker) fail(name string, err error) {
	l.failed = true
	l.say("error", fmt.Sprintf("resource %q: %v", name, err))
}

// report says what drifted, and returns the exit status.
func (l *locker) report() int {
	for _, f := range l.findings {
		l.line(f.drift)
	}
	switch {
	case l.failed:
		return exitWrong
	case len(l.findings) > 0:
		return exitNo
	}
	return exitYes
}

// write puts the digests into the manifest, says which, and returns the exit
// status. What is written was judged as what was read.
func (l *locker) write() (int, error) {
	if l.failed {
		l.say("hint", "nothing is written; to lock only some of the files, name them")
		return exitWrong, nil
	}
	if len(l.findings) == 0 {
		return exitYes, nil
	}
	pins := make([]pin, len(l.findings))
	for i, f := range l.findings {
		pins[i] = f.pin
	}
	data := repin(l.manifest.data, pins)
	if err := l.judged(data, "it would not be valid: nothing is written"); err != nil {
		return exitWrong, err
	}
	if err := l.manifest.replace(data); err != nil {
		return exitWrong, err
	}
	for _, f := range l.findings {
		l.line(fmt.Sprintf("%-7s  %s  %s", f.verb, f.digest, f.key))
	}
	return exitYes, nil
}
