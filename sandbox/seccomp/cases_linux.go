package seccomp

import (
	"slices"

	"golang.org/x/sys/unix"
)

// The kernel reads most of these arguments as an int, so that only the lower
// half of the register counts.
const (
	word  = 0xffffffff         // an int
	whole = 0xffffffffffffffff // a pointer
)

// setID are the two mode bits that nothing may ask for.
const setID = unix.S_ISUID | unix.S_ISGID

// is is the case that an int argument has a value.
func is(arg int, value uint64, then Action) Case {
	return Case{[]Match{{arg, word, value}}, then}
}

// anyOf is the cases that an int argument has one of the values.
func anyOf(arg int, then Action, values ...uint64) []Case {
	cases := make([]Case, len(values))
	for i, v := range values {
		cases[i] = is(arg, v, then)
	}
	return cases
}

// anyBit is the cases that one of the bits is set.
func anyBit(arg int, bits uint64, then Action) (cases []Case) {
	for ; bits != 0; bits &= bits - 1 {
		bit := bits & -bits
		cases = append(cases, Case{[]Match{{arg, bit, bit}}, then})
	}
	return cases
}

// when adds a condition to every case.
func when(m Match, cases []Case) []Case {
	for i := range cases {
		cases[i].If = append([]Match{m}, cases[i].If...)
	}
	return cases
}

// cloneNever are the flags that open namespaces or change the parent. CLONE_NEWTIME
// is not among them: clone reads that bit as part of the exit signal.
const cloneNever = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_PARENT

func cloneCases() []Case {
	return slices.Concat(
		anyBit(0, cloneNever, eperm),
		anyBit(0, unix.CLONE_THREAD, askThread),
		// Shared memory without the wait of vfork is a thread by another name.
		[]Case{{[]Match{{0, unix.CLONE_VM | unix.CLONE_VFORK, unix.CLONE_VM}}, eperm}},
		anyBit(0, unix.CLONE_FILES|unix.CLONE_FS|unix.CLONE_SIGHAND, askShared),
	)
}

// execCases let the one execve pass that shows the ticket. What it has in the two
// registers that execve does not use, nobody knows after it: the kernel clears them.
func execCases() []Case {
	return []Case{{[]Match{{4, whole, mark0}, {5, whole, mark1}}, Pass}}
}

func mmapCases() []Case {
	return []Case{{[]Match{{2, unix.PROT_EXEC, unix.PROT_EXEC}, {3, unix.MAP_ANONYMOUS, 0}}, askMapExec}}
}

func memfdCases() []Case {
	return anyBit(1, unix.MFD_NOEXEC_SEAL, Pass)
}

func openatCases() []Case { return openModes(2, 3) }

// openModes sorts opens by what they ask for. It refuses setuid and setgid in the
// mode, which counts only when the flags say that a file is made, and access mode
// 3, which opens a file for neither reading nor writing: Landlock asks for no
// right then, and the descriptor takes leases, ioctls and changes of metadata.
// With O_PATH the kernel drops the other flags. O_TRUNC without access to write is
// looked at before O_CREAT: it empties what exists whether or not it may be made.
func openModes(flags, mode int) []Case {
	const tmpfile = unix.O_TMPFILE &^ unix.O_DIRECTORY // __O_TMPFILE: the kernel looks at this bit
	return slices.Concat(
		anyBit(flags, unix.O_PATH, Pass),
		[]Case{{[]Match{{flags, unix.O_ACCMODE, unix.O_ACCMODE}}, eacces}},
		when(Match{flags, unix.O_CREAT, unix.O_CREAT}, anyBit(mode, setID, eperm)),
		when(Match{flags, tmpfile, tmpfile}, anyBit(mode, setID, eperm)),
		anyBit(flags, unix.O_WRONLY|unix.O_RDWR, askWrite),
		anyBit(flags, unix.O_TRUNC, askTruncate),
		anyBit(flags, unix.O_CREAT|tmpfile, askWrite),
	)
}

func chmodCases() []Case    { return anyBit(1, setID, eperm) }
func fchmodatCases() []Case { return anyBit(2, setID, eperm) }
func mknodatCases() []Case  { return nodeModes(2) }

func nodeModes(mode int) []Case {
	return append(
		anyBit(mode, setID, eperm),
		Case{[]Match{{mode, unix.S_IFMT, unix.S_IFCHR}}, eperm},
		Case{[]Match{{mode, unix.S_IFMT, unix.S_IFBLK}}, eperm},
	)
}

// ownCases lets a signal reach the process itself.
func ownCases() []Case { return []Case{is(0, OwnPID, Pass)} }

// fcntlCases are the requests that name a receiver for the signals of a
// descriptor, choose the signal, or turn signals on. To turn them on names a
// receiver too: for a terminal that nobody owns, its foreground process group.
func fcntlCases() []Case {
	return append(
		anyOf(1, askSignal, unix.F_SETOWN, unix.F_SETOWN_EX, unix.F_SETSIG),
		when(Match{1, word, unix.F_SETFL}, anyBit(2, unix.O_ASYNC, askSignal))...,
	)
}

// renameCases refuse the one flag that makes a device node.
func renameCases() []Case { return anyBit(4, unix.RENAME_WHITEOUT, eperm) }

func selfCases() []Case {
	return []Case{is(0, 0, Pass)}
}

func setpriorityCases() []Case {
	return when(Match{0, word, unix.PRIO_PROCESS}, anyOf(1, Pass, 0))
}

func ioprioCases() []Case {
	const ioprioWhoProcess = 1 // include/uapi/linux/ioprio.h
	return when(Match{0, word, ioprioWhoProcess}, anyOf(1, Pass, 0))
}

// socketType is the part of a socket's type that is no flag: SOCK_TYPE_MASK.
const socketType = 0xf

func socketpairCases() []Case {
	return append(when(Match{0, word, unix.AF_UNIX}, []Case{
		{[]Match{{1, socketType, unix.SOCK_STREAM}}, Pass},
		{[]Match{{1, socketType, unix.SOCK_SEQPACKET}}, Pass},
	}), is(0, unix.AF_UNIX, askUnix))
}

func socketCases() []Case {
	row := func(family, kind, protocol uint64, then Action) Case {
		return Case{[]Match{{0, word, family}, {1, socketType, kind}, {2, word, protocol}}, then}
	}
	var cases []Case
	for _, inet := range []uint64{unix.AF_INET, unix.AF_INET6} {
		cases = append(
			cases,
			row(inet, unix.SOCK_STREAM, 0, askNet),
			row(inet, unix.SOCK_STREAM, unix.IPPROTO_TCP, askNet),
			// Landlock does not see MPTCP; clients fall back to TCP on this errno.
			row(inet, unix.SOCK_STREAM, unix.IPPROTO_MPTCP, eprotonosupport),
			row(inet, unix.SOCK_DGRAM, 0, askNet),
			row(inet, unix.SOCK_DGRAM, unix.IPPROTO_UDP, askNet),
		)
	}
	return append(
		cases,
		is(0, unix.AF_UNIX, askUnix),
		row(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE, askNet),
		row(unix.AF_NETLINK, unix.SOCK_DGRAM, unix.NETLINK_ROUTE, askNet),
	)
}

func sendtoCases() []Case {
	return append(
		anyBit(3, unix.MSG_FASTOPEN, askConnect),
		Case{[]Match{{4, whole, 0}}, Pass},
	)
}

func sendmsgCases() []Case  { return anyBit(2, unix.MSG_FASTOPEN, askConnect) }
func sendmmsgCases() []Case { return anyBit(3, unix.MSG_FASTOPEN, askConnect) }

func seccompCases() []Case {
	return anyBit(1, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, askListener)
}

func personalityCases() []Case {
	const query = 0xffffffff
	return anyOf(0, Pass, 0, query)
}
