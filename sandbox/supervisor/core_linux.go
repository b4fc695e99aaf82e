package supervisor

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A caller takes its descriptor itself, and the kernel wakes it for that wherever a core
// is idle, without asking us (kernel/seccomp.c, seccomp_notify_addfd): in a virtual
// machine that takes longer than all the rest of an open. So it is kept on our core until
// it has taken it. It sleeps before and after, and nobody else in the sandbox can set its
// cores. A mask that somebody outside sets between the two calls of free is lost.

// A coreSet is a set of cores, as sched_setaffinity(2) takes it.
type coreSet = unix.CPUSet

// cores are those that a caller may use that nobody restricts.
type cores struct {
	once sync.Once
	all  coreSet // empty where we are restricted ourselves
}

// every is no restriction, whatever cores there will be.
func every() *coreSet {
	s := new(coreSet)
	s.Fill()
	return s
}

// usual finds what an unrestricted caller has. It asks for every core on this thread: if
// that gives more than before, somebody had chosen for us, and callers are left alone.
func (c *cores) usual() *coreSet {
	c.once.Do(func() {
		var before, after coreSet
		if unix.SchedGetaffinity(0, &before) != nil || before.Count() < 2 || unix.SchedSetaffinity(0, every()) != nil {
			return
		}
		if unix.SchedGetaffinity(0, &after) != nil || after != before {
			_ = unix.SchedSetaffinity(0, &before)
			return
		}
		c.all = before
	})
	return &c.all
}

// keep binds an unrestricted caller to our core. The result is for free.
func (c *cores) keep(tid uint32) (here coreSet) {
	var has coreSet
	usual := c.usual()
	if *usual == (coreSet{}) || unix.SchedGetaffinity(int(tid), &has) != nil || has != *usual {
		return coreSet{}
	}
	var core uint32
	unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&core)), 0, 0)
	here.Set(int(core))
	if unix.SchedSetaffinity(int(tid), &here) != nil {
		return coreSet{}
	}
	return here
}

// free ends that, unless somebody else has bound the caller meanwhile.
func (c *cores) free(tid uint32, here coreSet) {
	var has coreSet
	if here != (coreSet{}) && unix.SchedGetaffinity(int(tid), &has) == nil && has == here {
		_ = unix.SchedSetaffinity(int(tid), every())
	}
}
