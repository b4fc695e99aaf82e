//go:build linux

package launch

import (
	"bytes"
	"errors"
	"fmt"

	"sandrun/cmd/internal/voice"
	"sandrun/integrity"
)

// setPinned takes the digests that the manifest may have.
func (s *Settings) setPinned(value string) error {
	set, err := integrity.Parse(value)
	if err != nil {
		return voice.WithHint(err, "sandrun hash FILE prints the digest of a manifest")
	}
	s.pinned = set
	return nil
}

// checkPinned refuses a digest that is about no manifest.
func (s *Settings) checkPinned() error {
	if s.pinned == nil || s.policy != "" {
		return nil
	}
	return voice.WithHint(errors.New("--policy-integrity is given without --policy"), "--policy=FILE names the manifest that must have the digest")
}

// verifyManifest checks the bytes of a manifest, which are then parsed.
func (s *Settings) verifyManifest(name string, data []byte) error {
	if s.pinned == nil {
		return nil
	}
	err := s.pinned.Verify(bytes.NewReader(data))
	var mismatch *integrity.MismatchError
	if errors.As(err, &mismatch) {
		mismatch.Path = name
		return mismatch
	}
	if err != nil {
		return fmt.Errorf("manifest %q: %w", name, err)
	}
	return nil
}
