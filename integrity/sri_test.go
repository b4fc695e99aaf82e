package integrity_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"sandrun/integrity"
)

// Digests of nothing and of "sandrun", made with OpenSSL.
const (
	empty256 = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	empty384 = "sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb"
	empty512 = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
	word256  = "sha256-s8kU5ZJD5VUd/3DN6kBINTqaSsdQ5mCtI8HqI38n7Fk="
	word384  = "sha384-khjuvE/+eS7mqPezHxrJAKc8zcZwiVpDr/v04LwoyywG1SEBptJNMKxWCcsZZq2o"
	word512  = "sha512-gkrDC39MsuwjSifdClsDKJJVXVCBz1jd+Wu1mXbPx84KcVDkOzTm35mY+RdqTzyA8zMu9FPO5R2iKXGx2VEa7A=="
)

func TestParse(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{empty256, empty256},
		{empty384, empty384},
		{empty512, empty512},
		{" \t" + word256 + " \t", word256},
		{empty256 + " " + word256, empty256 + " " + word256},
		{word256 + " " + word256, word256 + " " + word256},
		{empty256 + " " + word512, word512}, // the strongest decides
		{word512 + " " + empty256, word512}, // wherever it stands
		{empty256 + "\t" + word384 + " " + empty384 + " " + word256, word384 + " " + empty384},
		{word256 + "?", word256},
		{word256 + "?foo=bar?spam=eggs", word256},
		{word256 + "?a-b_=", word256},
	} {
		set, err := integrity.Parse(row.text)
		if err != nil || set.String() != row.want {
			t.Errorf("%q: got %q, %v; want %q", row.text, set, err, row.want)
		}
	}
}

func TestDigestsAreWhatTheySay(t *testing.T) {
	sum256, sum384, sum512 := sha256.Sum256([]byte("sandrun")), sha512.Sum384([]byte("sandrun")), sha512.Sum512([]byte("sandrun"))
	for text, sum := range map[string][]byte{word256: sum256[:], word384: sum384[:], word512: sum512[:]} {
		set, err := integrity.Parse(text)
		if err != nil || len(set) != 1 || string(set[0].Sum) != string(sum) || !strings.HasPrefix(text, set[0].Algorithm+"-") {
			t.Errorf("%s: %+v, %v", text, set, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	sum := sha256.Sum256(nil)
	base := strings.TrimPrefix(empty256, "sha256-")
	for _, row := range []struct{ text, hint string }{
		{"", "ALGORITHM-BASE64"},
		{" \t ", "ALGORITHM-BASE64"},
		{base, "no algorithm"},
		{"sha256", "no algorithm"},
		{"sha256-", "44 characters"},
		{"sha256-%", "44 characters"},
		{"sha384-%", "64 characters"},
		{"sha512-%", "88 characters"},
		{"-" + base, "sha256, sha384 and sha512 are"},
		{"md5-1B2M2Y8AsgTpgAmY7PhCfg==", "sha256, sha384 and sha512 are"},
		{"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "sha256, sha384 and sha512 are"},
		{"foo666-x", "sha256, sha384 and sha512 are"},
		{"SHA256-" + base, "write sha256"},
		{"Sha512-" + base, "write sha512"},
		{"256-" + base, "write sha256"},
		{"sha_256-" + base, "write sha256"},
		{"sha-256-" + base, "without a dash"},
		{"SHA-256-" + base, "without a dash"},
		{"1sha256-" + base, "sha256, sha384 and sha512 are"},
		{"sha256-" + hex.EncodeToString(sum[:]), "hexadecimal"},
		{"sha256-" + strings.ToUpper(hex.EncodeToString(sum[:])), "hexadecimal"},
		{"sha256-" + base64.URLEncoding.EncodeToString(sum[:]), "base64url"},
		{"sha256-" + base64.RawURLEncoding.EncodeToString(sum[:]), "base64url"},
		{strings.TrimSuffix(empty256, "="), "this has 43"},
		{empty256 + "=", "this has 45"},
		{"sha512-" + base, "88 characters"},
		{"sha256-" + strings.TrimPrefix(empty384, "sha384-"), "44 characters"},
		{strings.TrimSuffix(empty256, "U=") + "V=", "canonical"}, // bits that no byte holds
		{strings.TrimSuffix(empty512, "g==") + "h==", "canonical"},
		{"sha384-" + strings.Repeat("=", 64), "canonical"},
		{"sha256-" + strings.Repeat("!", 43) + "=", "canonical"},
		{empty256[:20] + "\r" + empty256[21:], "canonical"}, // Go's decoder skips line ends
		{empty256 + "\n" + empty256, "spaces or tabs"},
		{empty256 + empty256, "spaces or tabs"},
		{empty256 + "," + empty256, "spaces or tabs"},
		{empty256 + "?ü", "visible"},
		{empty256 + "?a\x7f", "visible"},
		// A browser would let these pass, because something in them is right.
		{word256 + " md5-x", "md5"},
		{word256 + " sha512-%", "88 characters"},
		{word512 + " sha256-%", "44 characters"},
		{word256 + " foo666-%", "foo666"},
	} {
		set, err := integrity.Parse(row.text)
		if err == nil || !strings.Contains(err.Error(), row.hint) || set != nil {
			t.Errorf("%q: got %q, %v; want an error with %q", row.text, set, err, row.hint)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{empty256, word384 + " " + empty512, word512 + "?x", "sha256-", " ", "SHA256-x"} {
		f.Add(seed)
	}
	size := map[string]int{"sha256": 32, "sha384": 48, "sha512": 64}
	f.Fuzz(func(t *testing.T, text string) {
		set, err := integrity.Parse(text)
		if err != nil {
			return
		}
		if len(set) == 0 {
			t.Fatalf("%q: no digest and no error", text)
		}
		for _, d := range set {
			if d.Algorithm != set[0].Algorithm || len(d.Sum) != size[d.Algorithm] || !strings.Contains(text, d.String()) {
				t.Fatalf("%q: digest %+v", text, d)
			}
		}
		again, err := integrity.Parse(set.String())
		if err != nil || again.String() != set.String() {
			t.Fatalf("%q: read again as %q, %v", text, again, err)
		}
	})
}
