package landlock

import "golang.org/x/sys/unix"

// Rights is what one ruleset handles: everything handled is denied unless a
// rule grants it.
type Rights struct {
	FS     Access
	Net    uint64 // LANDLOCK_ACCESS_NET bits
	Scoped uint64 // LANDLOCK_SCOPE bits
}

// Network and scope bits.
const (
	// TCP is connecting and binding TCP sockets, by port.
	TCP uint64 = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	// Signals confines signals to the domain.
	Signals uint64 = unix.LANDLOCK_SCOPE_SIGNAL
	// AbstractSockets confines abstract unix sockets to the domain.
	AbstractSockets uint64 = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
)

const fsABI1 = Access(1<<13 - 1) // execute to make_sym, Linux 5.13

// abis holds what each ABI version can handle; row i is version i.
var abis = [...]struct {
	version int
	kernel  string // the release that brought it
	rights  Rights
}{
	{0, "", Rights{}},
	{1, "5.13", Rights{FS: fsABI1}},
	{2, "5.19", Rights{FS: fsABI1 | Refer}},
	{3, "6.2", Rights{FS: fsABI1 | Refer | Truncate}},
	{4, "6.7", Rights{FS: fsABI1 | Refer | Truncate, Net: TCP}},
	{5, "6.10", Rights{FS: fsABI1 | Refer | Truncate | TerminalIoctl, Net: TCP}},
	{6, "6.12", Rights{FS: fsABI1 | Refer | Truncate | TerminalIoctl, Net: TCP, Scoped: Signals | AbstractSockets}},
	{7, "6.15", Rights{FS: fsABI1 | Refer | Truncate | TerminalIoctl, Net: TCP, Scoped: Signals | AbstractSockets}},
	{8, "7.0", Rights{FS: fsABI1 | Refer | Truncate | TerminalIoctl, Net: TCP, Scoped: Signals | AbstractSockets}},
	{9, "7.1", Rights{FS: fsABI1 | Refer | Truncate | TerminalIoctl | unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX, Net: TCP, Scoped: Signals | AbstractSockets}},
}

// Newest is the newest ABI version that this table knows. A newer kernel is
// used as this one.
const Newest = len(abis) - 1

// signalErratum is the bit of the kernel's errata that says that the signal
// scope does not break threads of one process (Linux 6.15, backported).
const signalErratum = 1 << 1

// For returns what a kernel with this ABI version and these errata can handle.
// Without the fix of the signal scope's erratum, versions from 6 on count as 5:
// the scope then also stops signals between the threads of one process.
func For(abi, errata int) Rights {
	if abi >= 6 && errata&signalErratum == 0 {
		abi = 5
	}
	return abis[max(0, min(abi, Newest))].rights
}

// Since names the kernel release that brought an ABI version.
func Since(abi int) string { return abis[abi].kernel }
