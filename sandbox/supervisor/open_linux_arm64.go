package supervisor

import (
	"golang.org/x/sys/unix"

	"sandrun/sandbox/listener"
)

// largeFile is O_LARGEFILE, which x/sys has as 0 on 64-bit machines.
const largeFile = 0x20000

// oldRequest reads the spellings that only old architectures have: none here, and
// the filter sends none.
func oldRequest(*listener.Notification) request { return request{} }

// isOpen tells whether a call is a spelling of open.
func isOpen(nr int32) bool { return nr == unix.SYS_OPENAT || nr == unix.SYS_OPENAT2 }
