//go:build linux

package main

import (
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"sandrun/cmd/internal/launch"
)

// TestFlagGroups: help shows every flag, and each once.
func TestFlagGroups(t *testing.T) {
	root := newRoot(&launch.Settings{}, []string{"check"})
	root.InitDefaultHelpFlag()
	var listed []string
	for _, g := range flagGroups() {
		for _, name := range g.names {
			if root.Flags().Lookup(name) == nil {
				t.Errorf("%s lists --%s, which is no flag", g.title, name)
			}
			if slices.Contains(listed, name) {
				t.Errorf("--%s is listed twice", name)
			}
			listed = append(listed, name)
		}
	}
	root.Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(listed, f.Name) {
			t.Errorf("--%s is in no group", f.Name)
		}
	})
}

// TestCommandWords: a command that is missing from the list would be run as a
// program.
func TestCommandWords(t *testing.T) {
	root := newRoot(&launch.Settings{}, []string{"check"})
	for _, c := range root.Commands() {
		if !launch.MayNameCommand([]string{"--quiet", c.Name()}) {
			t.Errorf("%s is not among the command words", c.Name())
		}
		if launch.MayNameCommand([]string{"--", c.Name()}) {
			t.Errorf("after -- the word %s is a program", c.Name())
		}
	}
	if len(root.Commands()) == 0 {
		t.Error("there are no commands")
	}
	if got := newRoot(&launch.Settings{}, []string{"ls", "/tmp"}).Commands(); len(got) != 0 {
		t.Errorf("a launch registers %d commands", len(got))
	}
}
