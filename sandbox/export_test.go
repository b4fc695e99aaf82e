//go:build linux

package sandbox

import (
	"time"

	"golang.org/x/sys/unix"
)

// Race tells whether the race detector is in this build.
const Race = shareMemory == 0

// SetDelays holds launches up: between the first seal and the last, and before the
// supervisor is ready.
func SetDelays(seal, ready time.Duration) {
	delaySealed, delayReady = unix.NsecToTimespec(seal.Nanoseconds()), ready
}
