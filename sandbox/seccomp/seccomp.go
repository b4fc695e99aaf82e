// Package seccomp holds the system call filter: one table of what every call
// means, and the programs that libseccomp made of it at build time.
//
// It promises default deny. A call that the table does not name answers ENOSYS,
// a foreign architecture is killed, and x32 numbers count as unknown. Everything
// is decided on register values, compared as wide as the kernel reads them, so
// that garbage in the upper half of a register changes no verdict.
//
// It does not look behind pointers: paths, addresses and flags in memory are the
// business of Landlock and of the supervisor.
package seccomp

// A Verdict answers a Slot. The zero Verdict denies.
type Verdict uint8

// The verdicts.
const (
	Deny   Verdict = iota // fail with the errno that the table has for the call
	Allow                 // go ahead
	Notify                // ask the supervisor
)

// A Slot is a question that the table leaves open and the plan answers.
type Slot uint8

// The slots.
const (
	// Child is a new process: fork, vfork, clone without CLONE_THREAD.
	Child Slot = iota
	// Shared is a new process that shares descriptors, directories or signal
	// handlers with its parent: a thread by another name.
	Shared
	// Thread is clone with CLONE_THREAD.
	Thread
	// Exec is execve.
	Exec
	// ExecAt is execveat.
	ExecAt
	// MapExec is mmap of a file with PROT_EXEC.
	MapExec
	// Memfd is memfd_create without MFD_NOEXEC_SEAL.
	Memfd
	// Metadata is a change of mode, owner, times, attributes or flags of a file.
	// An asked setuid or setgid bit is refused before the slot is looked at.
	Metadata
	// Openat2 is openat2, whose flags and mode lie behind a pointer.
	Openat2
	// OpenRead is an open that neither writes, creates nor empties anything.
	OpenRead
	// OpenWrite is every other open but those of Truncate and of O_PATH, which give
	// no access.
	OpenWrite
	// Truncate is truncate, and O_TRUNC without access to write, O_CREAT or not.
	Truncate
	// Change makes, renames, links or removes a name.
	Change
	// Signal is a signal to another process than the one that OwnPID names, and
	// what makes a descriptor send signals.
	Signal
	// Begin is set_robust_list, by which glibc's threads and forked children show that
	// they have begun.
	Begin
	// Start is set_tid_address, the first call by which the C libraries' loaders
	// and start-up code show that a program begins.
	Start
	// Net is a TCP, UDP or NETLINK_ROUTE socket and what connects, binds or
	// accepts with a socket.
	Net
	// Unix is a unix socket, or a pair of them that can send to any.
	Unix
	// Hide is prctl(PR_SET_DUMPABLE), which keeps others from reading the caller's paths.
	Hide
	// Inspect is ptrace and its kin.
	Inspect
	// Listener is a filter with a listener of its own. Program denies it wherever
	// another slot notifies: the kernel asks only the newest filter.
	Listener

	// NumSlots is the number of slots.
	NumSlots
)

// A Choice answers every slot. The zero Choice denies them all.
type Choice [NumSlots]Verdict

// Direct is the choice of a direct launch without grants. Programs are laid out so that
// this one is the shortest; whatever a plan chooses, the answers are the same.
func Direct() (c Choice) {
	for _, s := range [...]Slot{Memfd, OpenRead, OpenWrite, Truncate, Change, Signal, Begin, Start, Hide, Listener} {
		c[s] = Allow
	}
	return c
}

// Supervised is the choice of a supervised launch without grants.
func Supervised() Choice {
	c := Direct()
	for _, s := range [...]Slot{Child, Shared, Thread, Exec, ExecAt, MapExec, Metadata, Openat2, Net, Inspect} {
		c[s] = Notify
	}
	c[Listener] = Deny
	return c
}

// A Ticket lets one execve pass a filter that lets no other pass: random numbers that
// the call has in its fifth and sixth register, which execve does not use.
type Ticket [2]uint64

// These stand in a program for a ticket, see Bind. Their four halves differ, from each
// other and from OwnPID.
const (
	mark0 = 0x7a1c4e015d2b9f02
	mark1 = 0x6e3d8b03490fa704
)

// OwnPID stands in a program for the process that the filter is installed in; see
// Bind. It is larger than any pid (PID_MAX_LIMIT is 1<<22).
const OwnPID = 0x5e1f9d1d
