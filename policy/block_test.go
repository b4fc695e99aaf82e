package policy

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// MustParseBlock is for the tests outside of the package.
func MustParseBlock(text string) Block {
	b, err := parseBlock(text)
	if err != nil || !b.IsValid() {
		panic(text)
	}
	return b
}

// FuzzAddress wants what Go's own package reads to be read alike, and nothing else.
func FuzzAddress(f *testing.F) {
	for _, text := range addresses {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkAddress(t, text) })
}

var addresses = []string{
	"", "1.2.3.4", "0.0.0.0", "255.255.255.255", "256.1.1.1", "01.2.3.4", "1.2.3", "1.2.3.4.5", "1..2.3", "+1.2.3.4", "1.2.3.4 ", "1_0.2.3.4",
	"::", "::1", "1::", ":::", "::1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::1:2:3:4:5:6:7:8",
	"1:2:3:4:5:6:7::8", "::1.2.3.4", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::", "::1.2.3.4:1", "::1.2.3", "::01.2.3.4", "1:2.3.4.5::",
	"fe80::1%eth0", "::1%", "12345::", "g::", "::+1", "0:0:0:0:0:0:0:0", "1:0:0:2:0:0:0:3", "1:0:0:2:3:0:0:4", "ABCD::ef", ":1", "1:", ":", "::0x1", "::1_0",
}

func TestAddress(t *testing.T) {
	for _, text := range addresses {
		checkAddress(t, text)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 { // near what is right, since nearly all random text is wrong
		b := []byte(addresses[r.IntN(len(addresses))])
		for range r.IntN(3) {
			if c := "0123:::..fF%"[r.IntN(12)]; len(b) > 0 && r.IntN(2) == 0 {
				b[r.IntN(len(b))] = c
			} else {
				b = append(b, c)
			}
		}
		checkAddress(t, string(b))
	}
}

var errZone = errors.New("a zone")

func checkAddress(t *testing.T, text string) {
	t.Helper()
	want, err := netip.ParseAddr(text)
	if strings.Contains(text, "%") {
		err = errZone // zones are for nobody
	}
	got, ok := parseAddress(text)
	if ok != (err == nil) {
		t.Fatalf("%q: read is %v, but %v", text, ok, err)
	}
	if !ok {
		return
	}
	if got.Is6() != want.Is6() || string(got.address[:got.size]) != string(want.AsSlice()) {
		t.Fatalf("%q became %v, want %s", text, got, want)
	}
	inner, hidden := got.hidden()
	if hidden != want.Is4In6() || hidden && inner.addressText() != want.Unmap().String() {
		t.Fatalf("%q: hides %v: %v", text, inner, hidden)
	}
	if !hidden && got.addressText() != want.String() { // RFC 5952 has a form of its own for those
		t.Fatalf("%q is written %s, want %s", text, got.addressText(), want)
	}
	for bits := range want.BitLen() + 1 {
		got.bits = uint8(bits)
		masked, err := want.Prefix(bits)
		if err != nil {
			t.Fatal(err)
		}
		if m := got.masked(); string(m.address[:m.size]) != string(masked.Addr().AsSlice()) {
			t.Fatalf("%s/%d masked is %v, want %s", want, bits, m, masked)
		}
	}
}
