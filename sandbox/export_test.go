//go:build linux

package sandbox

import (
	"time"

	"golang.org/x/sys/unix"
)

// SetDelays holds launches up: between the first seal and the last, and before
// the first answer.
func SetDelays(seal, answer time.Duration) {
	delaySealed = unix.NsecToTimespec(seal.Nanoseconds())
	delayAnswer = answer
}
