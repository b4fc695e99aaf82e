// Package rlimit remembers the limit on open files that sandrun was started
// with. The Go runtime raises the soft limit in the initialisation of package
// os; a program that sandrun starts must get the limit that its user set.
//
// It works because it imports nothing but syscall: the language specification
// initialises the ready package with the smallest import path first, and this
// path sorts before "time", which os needs. A test starts a target under a low
// limit and would see it fail.
package rlimit

import "syscall"

// OpenFiles is RLIMIT_NOFILE as it was when sandrun started.
var OpenFiles syscall.Rlimit

// Known tells whether OpenFiles could be read.
var Known bool

func init() {
	Known = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &OpenFiles) == nil
}
