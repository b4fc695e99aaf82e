//go:build !linux

// Command sandrun runs a program under the permission model that Node.js gives
// to scripts. It needs Linux: Landlock and seccomp are what enforces it.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "sandrun: error: Linux only: Landlock and seccomp are what enforces the permissions")
	os.Exit(125)
}
