package integrity_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"sandrun/integrity"
)

// vectors are digests made with sha256sum, sha384sum and sha512sum. The contents
// are those that FIPS 180 gives examples for, and one of a byte more than is read
// at a time.
var vectors = []struct {
	name, content string
	digests       [3]string
}{
	{"nothing", "", [3]string{empty256, empty384, empty512}},
	{"a word", "sandrun", [3]string{word256, word384, word512}},
	{"one block", "abc", [3]string{
		"sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
		"sha384-ywB1P0WjXou1oD1pmsZQBycsMqsO3tFjGotgWkP/W+2AhgcroefMI1i67KE0yCWn",
		"sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==",
	}},
	{"two blocks of SHA-256", runs(4, 14), [3]string{
		"sha256-JI1qYdIGOLjlwCaTDD5gOaM85Flk/yFn9uzt1BnbBsE=",
		"sha384-M5H93fyNxzk3B6ZbG0cJOXz4sdFirwWr/o9FDeXza8awRVqFILxOb1/pWx/jyEUr",
		"sha512-IEqPxt2oLwoM7XvrjgikFlfBbvRosiioJ5vjMacDwzWW/RXBOxsH+aodO+pXeJygMa2Fx6cd1wNU7GMSOMo0RQ==",
	}},
	{"two blocks of SHA-512", runs(8, 14), [3]string{
		"sha256-z1sWp3ivg4ADbOWeewSSNwskmxHo8HpRr6xFA3r+6dE=",
		"sha384-CTMMM/cRR+g9GS/Hgs0bR1MRGxc7OwXSL6CAhuOw9xL8x8caVX4tuWbD6fqRdGA5",
		"sha512-jpWbddrjE9qM9PcoFPwUP493ecbrn3+hcpmurbaIkBhQHSieSQD35DMbmd7EtUM6x9Mp7rbdJlReluVbh0vpCQ==",
	}},
	{"a million letters", strings.Repeat("a", 1000000), [3]string{
		"sha256-zcduXJkU+5KBocfihNc+Z/GAmkiklyAOBG05zMcRLNA=",
		"sha384-nQ4YCXFkdMsIboNOMQpKHO0UnpwA8khSeXLOxXBMKlsHuLPcOOzE666X3dh/PYmF",
		"sha512-5xhIPQznaWROLkLHvBW0Y44fmLE7IEQoVjKoA6+pc+veD/JEh36mCkywQyzld8Mb6wCcXCxJqi5OrbIXrYzAmw==",
	}},
	{"zeros", strings.Repeat("\x00", 65537), [3]string{
		"sha256-MmYwTzG+J40Gw70+uao+AMWb7ewKiQ3kZlaLC5Cw4B8=",
		"sha384-cYYEJNHav9VPW9JFwgGL6unajLNMAhZiKrZV2RsTHDj2EtHcftHNxesh9VFBRpyl",
		"sha512-SQghAE5aYCX+M1oR9sJ7D3PK4ENL2dLlrHruM3C9QhcYytfY+/1fORU7bKOwX67eaPXW5GLurxQ7sDR5HOtyqw==",
	}},
}

// runs is alphabetic runs of n letters, each beginning one letter later.
func runs(n, count int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz"
	var b strings.Builder
	for i := range count {
		b.WriteString(alphabet[i : i+n])
	}
	return b.String()
}

func mustParse(t testing.TB, text string) integrity.Set {
	t.Helper()
	set, err := integrity.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		for i, algorithm := range integrity.Algorithms() {
			for name, r := range map[string]io.Reader{
				"whole": strings.NewReader(v.content),
				"bytes": iotest.OneByteReader(strings.NewReader(v.content)),
				"last":  iotest.DataErrReader(strings.NewReader(v.content)),
			} {
				got, err := integrity.Sum(algorithm, r)
				if err != nil || got.String() != v.digests[i] {
					t.Errorf("%s, %s: got %v, %v; want %s", v.name, name, got, err, v.digests[i])
				}
			}
			if err := mustParse(t, v.digests[i]+"?option").Verify(strings.NewReader(v.content)); err != nil {
				t.Errorf("%s: %v", v.name, err)
			}
		}
	}
}

// One digest of several is enough, but only of the strongest algorithm.
func TestVerify(t *testing.T) {
	for _, row := range []struct {
		text  string
		right bool
	}{
		{word256, true},
		{empty256, false},
		{empty256 + " " + word256, true},
		{word256 + " " + empty256, true},
		{word384 + " " + empty384, true},
		{empty512 + " " + empty512, false},
		{empty256 + " " + word512, true},
		{word256 + " " + empty512, false}, // Node's policy took this
		{word256 + " " + word384 + " " + empty512 + "?x", false},
		{word256 + "?foo=bar?spam=eggs", true},
	} {
		err := mustParse(t, row.text).Verify(strings.NewReader("sandrun"))
		var mismatch *integrity.MismatchError
		if row.right && err != nil || !row.right && !errors.As(err, &mismatch) {
			t.Errorf("%s: %v", row.text, err)
		}
	}
}

// Whatever a caller does wrong, nothing passes.
func TestNothingPassesWithoutADigest(t *testing.T) {
	for name, set := range map[string]integrity.Set{
		"nil": nil, "empty": {}, "zero": {{}}, "unknown": {{Algorithm: "md5", Sum: make([]byte, 16)}}, "no sum": {{Algorithm: "sha256"}},
	} {
		if err := set.Verify(strings.NewReader("")); err == nil {
			t.Errorf("%s: the content is accepted", name)
		}
		if set.Has(integrity.Digest{Algorithm: "sha256", Sum: make([]byte, 32)}) {
			t.Errorf("%s: has a digest", name)
		}
	}
	short := mustParse(t, word256)
	short[0].Sum = short[0].Sum[:8]
	if short.Verify(strings.NewReader("sandrun")) == nil {
		t.Error("a part of a digest is enough")
	}
	for _, algorithm := range []string{"", "md5", "SHA256", "sha-256"} {
		if _, err := integrity.Sum(algorithm, strings.NewReader("")); err == nil {
			t.Errorf("there is an algorithm %q", algorithm)
		}
	}
}

func TestReadErrorIsNoMismatch(t *testing.T) {
	broken := errors.New("broken")
	r := func() io.Reader { return io.MultiReader(strings.NewReader("sandrun"), iotest.ErrReader(broken)) }
	if err := mustParse(t, word256).Verify(r()); !errors.Is(err, broken) {
		t.Errorf("Verify says %v", err)
	}
	if d, err := integrity.Sum("sha256", r()); !errors.Is(err, broken) || d.Sum != nil {
		t.Errorf("Sum says %v, %v", d, err)
	}
}

func TestMismatchText(t *testing.T) {
	set := mustParse(t, empty256+" "+word256)
	got, err := integrity.Sum("sha256", strings.NewReader("abc"))
	if err != nil {
		t.Fatal(err)
	}
	text := "wanted " + empty256 + " or " + word256 + ", actual " + vectors[2].digests[0] + " (ERR_MANIFEST_ASSERT_INTEGRITY)"
	if err := set.Assert("/p/a\n\x1bb.js", got); err == nil || err.Error() != `integrity of "/p/a\n\x1bb.js": `+text {
		t.Errorf("got %v", err)
	}
	if err := set.Verify(strings.NewReader("abc")); err == nil || err.Error() != "integrity: "+text {
		t.Errorf("got %v", err)
	}
	var mismatch *integrity.MismatchError
	if err := set.Assert("x", got); !errors.As(err, &mismatch) || mismatch.Path != "x" || !set.Has(mismatch.Want[1]) || set.Has(mismatch.Got) {
		t.Errorf("got %+v", mismatch)
	}
	if err := set.Assert("x", set[1]); err != nil {
		t.Error(err)
	}
}

// A digest that was taken is not touched by what comes later.
func TestHasherGoesOn(t *testing.T) {
	h, err := mustParse(t, word256).Hasher()
	if err != nil {
		t.Fatal(err)
	}
	before := h.Digest()
	for _, piece := range []string{"san", "", "d", "run"} {
		if n, err := io.WriteString(h, piece); n != len(piece) || err != nil {
			t.Fatalf("wrote %d, %v", n, err)
		}
	}
	if before.String() != empty256 || h.Digest().String() != word256 || h.Digest().String() != word256 {
		t.Errorf("before %s, after %s", before, h.Digest())
	}
}

// What Sum says is what Verify accepts, and no content beside it.
func FuzzVerify(f *testing.F) {
	for _, v := range vectors {
		if len(v.content) < 1000 {
			f.Add([]byte(v.content), uint8(2), uint16(1))
		}
	}
	f.Fuzz(func(t *testing.T, content []byte, algorithm uint8, place uint16) {
		names := integrity.Algorithms()
		d, err := integrity.Sum(names[int(algorithm)%len(names)], bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		set := mustParse(t, d.String())
		if err := set.Verify(iotest.HalfReader(bytes.NewReader(content))); err != nil {
			t.Fatal(err)
		}
		beside := [][]byte{append(bytes.Clone(content), byte(place))}
		if len(content) > 0 {
			at := int(place) % len(content)
			flipped := bytes.Clone(content)
			flipped[at] ^= 1 << (place % 8)
			beside = append(beside, flipped, content[:at])
		}
		for _, other := range beside {
			var mismatch *integrity.MismatchError
			if err := set.Verify(bytes.NewReader(other)); !errors.As(err, &mismatch) || set.Has(mismatch.Got) {
				t.Fatalf("%q passes for %q: %v", other, content, err)
			}
		}
	})
}
