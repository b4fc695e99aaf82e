package supervisor

import "golang.org/x/sys/unix"

// oldMetadataCall knows the spellings that only old architectures have.
func oldMetadataCall(nr int32) (call, bool) {
	switch nr {
	case unix.SYS_CHMOD:
		return call{base: -1, path: 0, flags: -1, apply: chmod(1)}, true
	case unix.SYS_CHOWN:
		return call{base: -1, path: 0, flags: -1, apply: chown(1)}, true
	case unix.SYS_LCHOWN:
		return call{base: -1, path: 0, flags: -1, nofollow: true, apply: chown(1)}, true
	case unix.SYS_UTIME:
		return call{base: -1, path: 0, flags: -1, apply: times(1, seconds)}, true
	case unix.SYS_UTIMES:
		return call{base: -1, path: 0, flags: -1, apply: times(1, microseconds)}, true
	case unix.SYS_FUTIMESAT:
		return call{base: 0, path: 1, flags: -1, nullPath: true, apply: times(2, microseconds)}, true
	}
	return call{}, false
}
