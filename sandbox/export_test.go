//go:build linux

package sandbox

import (
	"time"

	"golang.org/x/sys/unix"
)

// Race tells whether the race detector is in this build.
const Race = shareMemory == 0

// SetDelay holds launches up between the first seal and the last.
func SetDelay(seal time.Duration) {
	delaySealed = unix.NsecToTimespec(seal.Nanoseconds())
}
