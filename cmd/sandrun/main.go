//go:build linux

// The Go runtime would follow the cgroup's processor limit; a launcher has no use for
// that. (Go 1.26 reads it at its start in any case, which takes 0.1 ms.)
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Command sandrun runs a program under the permission model that Node.js gives
// to scripts: nothing is allowed until it is granted. The kernel enforces it
// (Landlock and seccomp), for every language and every child.
//
// This package is thin: it turns flags and a manifest into a policy, asks package
// sandbox for a plan, and prints it, queries it, or runs it.
package main

import "os"

// underTest is set by the tests, whose binary holds this package too.
var underTest bool

// The command runs before main would, while the Go runtime itself keeps this
// goroutine on the main thread (runtime.LockOSThread's documentation), which a
// launch seals or forks from. To ask for that in main costs a further thread, and
// with it a tenth of a launch.
func init() {
	if !underTest {
		growStack()
		os.Exit(run(os.Args[1:]))
	}
}

// growStack makes room for the deepest calls at once: to grow in steps copies the
// stack each time, which takes longer the deeper it is.
//
//go:noinline
func growStack() byte {
	var room [12 << 10]byte
	return room[len(os.Args)%len(room)]
}

func main() {}
