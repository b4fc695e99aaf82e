//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"

	"sandrun/integrity"
)

// pinned is --policy-integrity, the digests that the manifest may have.
type pinned struct{ into *integrity.Set }

func (p *pinned) Set(value string) error {
	set, err := integrity.Parse(value)
	if err != nil {
		return withHint(err, "sandrun hash FILE prints the digest of a manifest")
	}
	*p.into = set
	return nil
}
func (p *pinned) String() string { return "" }
func (p *pinned) Type() string   { return "SRI" }

// checkPinned refuses a digest that is about no manifest.
func (s *settings) checkPinned() error {
	if s.pinned == nil || s.policy != "" {
		return nil
	}
	return withHint(errors.New("--policy-integrity is given without --policy"), "--policy=FILE names the manifest that must have the digest")
}

// verifyManifest checks the bytes of a manifest, which are then parsed.
func (s *settings) verifyManifest(name string, data []byte) error {
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
