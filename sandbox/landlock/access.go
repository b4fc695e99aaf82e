// Package landlock is sandrun's view of the Landlock kernel interface: which
// rights each ABI version knows, what a rule may carry, and the building of one
// ruleset from plain rules.
//
// It promises that a rule never lands on another file than the path names at
// that moment (paths are opened without following symbolic links), that rights
// which do not fit a file are left out where the kernel says so, and that a
// rule which cannot be made is an error. It does not restrict anything itself:
// a domain belongs to a thread, and the thread that is to be sealed calls
// landlock_restrict_self with the ruleset's descriptor.
package landlock

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Access is a set of file system rights, the kernel's LANDLOCK_ACCESS_FS bits.
type Access uint64

// The rights that grants are made of.
const (
	// ReadFile is the right to open a file for reading.
	ReadFile Access = unix.LANDLOCK_ACCESS_FS_READ_FILE
	// Read is what fs.read gives: files and listings.
	Read = ReadFile | unix.LANDLOCK_ACCESS_FS_READ_DIR
	// WriteFile is the right to open an existing file for writing and to empty
	// it; the kernel's two bits are only useful together.
	WriteFile Access = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	// Write is what fs.write gives. Device nodes are not in it: a node that the
	// target made would open the device behind it.
	Write = WriteFile |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_REFER
	// Execute is the right to execute a file.
	Execute Access = unix.LANDLOCK_ACCESS_FS_EXECUTE
	// TerminalIoctl is the right to use ioctl on a device; only the target's own
	// terminal gets it.
	TerminalIoctl Access = unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	// Refer is the right to rename or link across directories.
	Refer Access = unix.LANDLOCK_ACCESS_FS_REFER
	// Truncate is the right to change a file's length.
	Truncate Access = unix.LANDLOCK_ACCESS_FS_TRUNCATE
)

// fileAccess holds the rights that make sense on something that is not a
// directory; the kernel answers EINVAL for the others.
const fileAccess = Execute | WriteFile | ReadFile | TerminalIoctl | unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX

// accessNames are the kernel's names in bit order.
var accessNames = [...]string{
	"execute", "write_file", "read_file", "read_dir", "remove_dir", "remove_file",
	"make_char", "make_dir", "make_reg", "make_sock", "make_fifo", "make_block",
	"make_sym", "refer", "truncate", "ioctl_dev", "resolve_unix",
}

// String lists the rights by the kernel's names, as in "read_file,read_dir".
func (a Access) String() string {
	var names []string
	for bit, name := range accessNames {
		if a&(1<<bit) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}
