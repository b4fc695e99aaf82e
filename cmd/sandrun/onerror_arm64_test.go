//go:build linux

package main

// oldDenials: this architecture has no old spellings.
var oldDenials []denial
