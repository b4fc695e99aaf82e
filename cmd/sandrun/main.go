//go:build linux

// The Go runtime would follow the cgroup's processor limit, and name its memory for
// /proc/self/maps, a call for each piece; a launcher has no use for either. (Go 1.26 reads
// the limit at its start in any case, which takes 0.1 ms.)
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0
//go:debug decoratemappings=0

// Command sandrun runs a program under the permission model that Node.js gives
// to scripts: nothing is allowed until it is granted. The kernel enforces it
// (Landlock and seccomp), for every language and every child.
//
// This package is thin: it answers everything but a launch without fault, which package
// launch has carried out before anything here begins. Flags and a manifest make a
// policy, and package sandbox makes a plan of it, which is printed or queried.
package main

import "os"

// underTest is set by the tests, whose binary holds this package too.
var underTest bool

// The command runs before main would, on the main thread, since a launch needs that:
// see package launch.
func init() {
	if !underTest {
		os.Exit(run(os.Args[1:]))
	}
}

func main() {}
