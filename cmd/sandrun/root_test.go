//go:build linux

package main

import "testing"

// TestCommandWords: a command that is missing from the list would be run as a
// program.
func TestCommandWords(t *testing.T) {
	root := newRoot(&settings{}, []string{"check"})
	for _, c := range root.Commands() {
		if !mayNameCommand([]string{"--quiet", c.Name()}) {
			t.Errorf("%s is not among the command words", c.Name())
		}
		if mayNameCommand([]string{"--", c.Name()}) {
			t.Errorf("after -- the word %s is a program", c.Name())
		}
	}
	if len(root.Commands()) == 0 {
		t.Error("there are no commands")
	}
	if got := newRoot(&settings{}, []string{"ls", "/tmp"}).Commands(); len(got) != 0 {
		t.Errorf("a launch registers %d commands", len(got))
	}
}
