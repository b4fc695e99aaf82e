package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"github.com/spf13/cobra"

	"sandrun/policy"
	"sandrun/schemas"
)

func newValidate(r reporter, status *int) *cobra.Command {
	return &cobra.Command{
		Use: "validate FILE...", Short: "judge manifests: print every violation with its place",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("validate needs a file")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, files []string) error {
			schema, err := compile()
			if err != nil {
				return err
			}
			for _, name := range files {
				*status = max(*status, validate(r, schema, name))
			}
			return nil
		},
	}
}

// validate judges one file and returns the exit status that it deserves.
func validate(r reporter, schema *jsonschema.Schema, name string) int {
	data, err := readManifest(name)
	if err != nil {
		r.say("error", err.Error())
		return exitWrong
	}
	dir, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		r.say("error", err.Error())
		return exitWrong
	}
	violations := judge(schema, data, name, dir)
	for _, v := range violations {
		r.violation(v)
	}
	if len(violations) > 0 {
		return exitNo
	}
	_, warnings, err := policy.ParseManifest(data, name, dir)
	if err != nil {
		r.say("error", err.Error())
		return exitNo
	}
	for _, w := range warnings {
		r.say("warning", fmt.Sprintf("%s: %s", w.Source, w.Text))
	}
	return exitYes
}

// compile compiles the schema.
func compile() (*jsonschema.Schema, error) {
	const name = "policy.schema.json"
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft2020
	if err := c.AddResource(name, strings.NewReader(schemas.Policy)); err != nil {
		return nil, err
	}
	return c.Compile(name)
}

// judge lists what the decoder and the schema find wrong with a document. Where
// both speak of one value the decoder is heard: its words are made for people.
func judge(schema *jsonschema.Schema, data []byte, name, dir string) []*policy.ManifestError {
	violations := policy.CheckManifest(data, name, dir)
	if len(violations) > 0 && violations[0].Pointer == "" {
		return violations // no document, or none that the schema could add to
	}
	var found *jsonschema.ValidationError
	switch err := judgeBySchema(schema, data); {
	case err == nil:
	case errors.As(err, &found):
		violations = append(violations, unheard(found, data, name, violations)...)
	default:
		violations = append(violations, &policy.ManifestError{
			File: name, Position: policy.Position{Line: 1, Column: 1}, Text: err.Error(),
		})
	}
	slices.SortStableFunc(violations, func(a, b *policy.ManifestError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return violations
}

// judgeBySchema validates the decoded value. The decoder has accepted the syntax
// before, so encoding/json cannot see another document than it did.
func judgeBySchema(schema *jsonschema.Schema, data []byte) error {
	var value any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // numbers stay text, however large
	if err := d.Decode(&value); err != nil {
		return err
	}
	return schema.Validate(value)
}

// unheard returns the violations of the schema about values that no other
// violation is about.
func unheard(found *jsonschema.ValidationError, data []byte, name string, heard []*policy.ManifestError) []*policy.ManifestError {
	if len(found.Causes) > 0 {
		var list []*policy.ManifestError
		for _, cause := range found.Causes {
			list = append(list, unheard(cause, data, name, append(heard, list...))...)
		}
		return list
	}
	pointer, err := url.PathUnescape(found.InstanceLocation) // the library escapes it
	if err != nil {
		pointer = found.InstanceLocation
	}
	for _, v := range heard {
		if contains(v.Pointer, pointer) || contains(pointer, v.Pointer) {
			return nil
		}
	}
	at, ok := policy.Locate(data, pointer)
	if !ok {
		at = policy.Position{Line: 1, Column: 1}
	}
	return []*policy.ManifestError{{File: name, Position: at, Pointer: pointer, Text: found.Message}}
}

// contains tells whether the value of one pointer contains that of another.
func contains(outer, inner string) bool {
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && (rest == "" || rest[0] == '/')
}
