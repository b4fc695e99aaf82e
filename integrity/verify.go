package integrity

import (
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// Code names a mismatch, as Node.js does.
const Code = "ERR_MANIFEST_ASSERT_INTEGRITY"

// A MismatchError is a content that is not what was pinned.
type MismatchError struct {
	Path string // "" where the content has no name
	Want Set    // any of these would have been right
	Got  Digest
}

// Error is one line: the path, the wanted and the actual digest, and the code.
func (e *MismatchError) Error() string {
	of := ""
	if e.Path != "" {
		of = fmt.Sprintf(" of %q", e.Path)
	}
	return fmt.Sprintf("integrity%s: wanted %s, actual %s (%s)", of, strings.ReplaceAll(e.Want.String(), " ", " or "), e.Got, Code)
}

// A Hasher computes the digest of a content that comes in pieces. It is an
// io.Writer that never fails.
type Hasher struct {
	algorithm string
	hash      hash.Hash
}

// NewHasher begins a digest. The algorithm is "sha256", "sha384" or "sha512".
func NewHasher(algorithm string) (*Hasher, error) {
	for _, a := range algorithms {
		if a.name == algorithm {
			return &Hasher{algorithm, a.new()}, nil
		}
	}
	return nil, unknownAlgorithm(algorithm)
}

// Write adds a piece of the content.
func (h *Hasher) Write(p []byte) (int, error) { return h.hash.Write(p) }

// Digest is that of everything written so far.
func (h *Hasher) Digest() Digest { return Digest{h.algorithm, h.hash.Sum(nil)} }

// Hasher begins a digest that can be compared with those of the set.
func (s Set) Hasher() (*Hasher, error) {
	if len(s) == 0 {
		return nil, errors.New("there is no digest to verify by")
	}
	return NewHasher(s[0].Algorithm)
}

// Has tells whether a content with this digest is right. Nothing is right for an
// empty set.
func (s Set) Has(got Digest) bool {
	for _, want := range s {
		if want.Algorithm == got.Algorithm && bytes.Equal(want.Sum, got.Sum) {
			return true
		}
	}
	return false
}

// Assert returns a *MismatchError unless the content of path, which has the
// digest got, is right.
func (s Set) Assert(path string, got Digest) error {
	if s.Has(got) {
		return nil
	}
	return &MismatchError{path, s, got}
}

// Verify reads a content to its end. Where it is not right the error is a
// *MismatchError without a path.
func (s Set) Verify(r io.Reader) error {
	h, err := s.Hasher()
	if err != nil {
		return err
	}
	if err := h.readAll(r); err != nil {
		return err
	}
	return s.Assert("", h.Digest())
}

// Sum reads a content to its end and returns its digest.
func Sum(algorithm string, r io.Reader) (Digest, error) {
	h, err := NewHasher(algorithm)
	if err != nil {
		return Digest{}, err
	}
	if err := h.readAll(r); err != nil {
		return Digest{}, err
	}
	return h.Digest(), nil
}

// chunk is how much of a content is in memory at a time. A larger one is no
// faster.
const chunk = 64 << 10

// readAll does not use io.Copy, which would ask a file to write itself, in pieces
// half as large.
func (h *Hasher) readAll(r io.Reader) error {
	buf := make([]byte, chunk)
	for {
		n, err := r.Read(buf)
		h.hash.Write(buf[:n]) // a hash takes everything
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}
