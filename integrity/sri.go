// Package integrity reads digests as the W3C's Subresource Integrity writes them,
// and verifies contents by them. It is strict: what a browser would skip or let
// pass is refused here, because a digest that is silently ignored protects
// nothing. It opens no files: contents come from readers, or in pieces.
//
// The standard library's hashes add 25 to 45 µs of package initialisation to every
// program that links them, mostly for FIPS 140 modules that are not used (Go 1.26;
// no self-test runs then). It has no cheaper door to them, and code of our own
// would hash at half the speed.
package integrity

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// A Digest is one digest of a content.
type Digest struct {
	Algorithm string // "sha256", "sha384" or "sha512"
	Sum       []byte
}

// A Set is digests of one algorithm; a content that has any of them is right.
type Set []Digest

// algorithms are those of the specification, the strongest last.
var algorithms = [...]struct {
	name string
	size int // bytes of a digest
	new  func() hash.Hash
}{
	{"sha256", sha256.Size, sha256.New},
	{"sha384", sha512.Size384, sha512.New384},
	{"sha512", sha512.Size, sha512.New},
}

// DefaultAlgorithm is that of a digest where nothing else was asked for.
const DefaultAlgorithm = "sha384"

// Algorithms are the names of the algorithms, the strongest last.
func Algorithms() []string {
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = a.name
	}
	return names
}

// Parse reads one or more digests between spaces or tabs. All must be well
// formed; those of the strongest algorithm are returned, the others decide
// nothing. Options after a "?" are ignored, as the specification demands.
func Parse(s string) (Set, error) {
	var set Set
	strongest := -1
	for _, word := range strings.FieldsFunc(s, isBlank) {
		d, strength, err := parseDigest(word)
		if err != nil {
			return nil, fmt.Errorf("digest %q: %w", word, err)
		}
		if strength > strongest {
			set, strongest = nil, strength
		}
		if strength == strongest {
			set = append(set, d)
		}
	}
	if set == nil {
		return nil, errors.New("there is no digest: write ALGORITHM-BASE64, as sandrun hash prints it")
	}
	return set, nil
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' }

// parseDigest reads ALGORITHM-BASE64?OPTION.
func parseDigest(word string) (d Digest, strength int, err error) {
	digest, options, _ := strings.Cut(word, "?")
	if i := strings.IndexFunc(options, isInvisible); i >= 0 {
		return d, 0, errors.New("an option has visible characters only")
	}
	name, text, dash := strings.Cut(digest, "-")
	if !dash {
		return d, 0, errors.New("it has no algorithm: write ALGORITHM-BASE64, where the algorithm is sha256, sha384 or sha512")
	}
	for i, a := range algorithms {
		if a.name == name {
			sum, err := decode(text, a.size)
			return Digest{name, sum}, i, err
		}
	}
	return d, 0, unknownAlgorithm(name)
}

func isInvisible(r rune) bool { return r < '!' || r > '~' }

// unknownAlgorithm says how the algorithm should have been written.
func unknownAlgorithm(name string) error {
	plain := strings.ReplaceAll(strings.ToLower(name), "_", "")
	for _, a := range algorithms {
		if plain == a.name || plain == a.name[3:] {
			return fmt.Errorf("%q is no algorithm here: write %s", name, a.name)
		}
	}
	if plain == "sha" {
		return errors.New("the algorithm is written without a dash inside: sha256, sha384 or sha512")
	}
	return fmt.Errorf("%q is no algorithm here: sha256, sha384 and sha512 are", name)
}

// decode reads canonical base64 of a digest of the given size.
func decode(text string, size int) ([]byte, error) {
	want := base64.StdEncoding.EncodedLen(size)
	if len(text) == 2*size && strings.Trim(text, "0123456789abcdefABCDEF") == "" {
		return nil, fmt.Errorf("it is hexadecimal: write it in base64, %d characters", want)
	}
	if strings.Contains(text, "sha") && strings.Contains(text, "-") {
		return nil, errors.New("it runs into another: spaces or tabs stand between digests")
	}
	if strings.ContainsAny(text, "-_") {
		return nil, errors.New("it is base64url: write + for - and / for _, and = at the end")
	}
	sum, err := base64.StdEncoding.Strict().DecodeString(text)
	switch {
	case len(text) != want:
		return nil, fmt.Errorf("%d characters make a digest, padding with = included: this has %d", want, len(text))
	case err != nil || len(sum) != size || base64.StdEncoding.EncodeToString(sum) != text:
		return nil, errors.New("it is not canonical base64: the letters, digits, + and /, with = at the end")
	}
	return sum, nil
}

// String is the digest in its canonical form.
func (d Digest) String() string {
	return d.Algorithm + "-" + base64.StdEncoding.EncodeToString(d.Sum)
}

// String is the digests between spaces.
func (s Set) String() string {
	words := make([]string, len(s))
	for i, d := range s {
		words[i] = d.String()
	}
	return strings.Join(words, " ")
}
