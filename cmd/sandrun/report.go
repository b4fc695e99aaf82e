//go:build linux

package main

// Exit statuses of commands that answer. Their answer goes to stdout; everything else
// that sandrun says of itself goes to stderr, in the voice of package voice.
const (
	exitYes   = 0
	exitNo    = 1
	exitWrong = 2 // the question was wrong
)
