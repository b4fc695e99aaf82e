package closure

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type cacheRow struct {
	name, path string
	flags      int32
	hwcap      uint64
}

// cacheBytes writes an ld.so.cache; with old, the old format comes first.
func cacheBytes(rows []cacheRow, old bool) []byte {
	slices.SortStableFunc(rows, func(a, b cacheRow) int { return -compareNames([]byte(a.name), b.name) })
	var out, text bytes.Buffer
	if old {
		out.WriteString(oldMagic + "\x00")
		_ = binary.Write(&out, binary.LittleEndian, uint32(1))
		out.Write(make([]byte, 12+4)) // one entry, and what aligns to 8
	}
	start := newHeader + cacheEntry*len(rows)
	word := func(s string) uint32 {
		offset := start + text.Len()
		text.WriteString(s + "\x00")
		return uint32(offset)
	}
	var entries bytes.Buffer
	for _, r := range rows {
		_ = binary.Write(&entries, binary.LittleEndian, r.flags)
		_ = binary.Write(&entries, binary.LittleEndian, []uint32{word(r.name), word(r.path), 0})
		_ = binary.Write(&entries, binary.LittleEndian, r.hwcap)
	}
	out.WriteString(newMagic)
	_ = binary.Write(&out, binary.LittleEndian, []uint32{uint32(len(rows)), uint32(text.Len()), 2, 0, 0, 0, 0})
	out.Write(entries.Bytes())
	out.Write(text.Bytes())
	return out.Bytes()
}

func TestCache(t *testing.T) {
	const mine, other, variant = 0x303, 0x003, 1 << 62
	rows := []cacheRow{
		{"libz.so.1", "/lib/libz.so.1", mine, 0},
		{"libz.so.1", "/lib32/libz.so.1", other, 0},
		{"liba.so.9", "/lib/liba.so.9", mine, 0},
		{"liba.so.10", "/lib/glibc-hwcaps/x86-64-v3/liba.so.10", mine, variant | 1},
		{"liba.so.10", "/lib/liba.so.10", mine, 0},
		{"libv.so", "/lib/glibc-hwcaps/x86-64-v2/libv.so", mine, variant},
	}
	for _, old := range []bool{false, true} {
		c := parseCache(cacheBytes(rows, old))
		for _, test := range []struct {
			name  string
			paths []string
			plain bool
		}{
			{"libz.so.1", []string{"/lib/libz.so.1"}, true},
			{"liba.so.9", []string{"/lib/liba.so.9"}, true},
			{"liba.so.10", []string{"/lib/glibc-hwcaps/x86-64-v3/liba.so.10", "/lib/liba.so.10"}, true},
			{"libv.so", []string{"/lib/glibc-hwcaps/x86-64-v2/libv.so"}, false},
			{"liba.so", nil, false},
			{"liba.so.11", nil, false},
			{"", nil, false},
		} {
			if paths, plain := c.find(test.name, mine); !slices.Equal(paths, test.paths) || plain != test.plain {
				t.Errorf("old %v: find(%q) = %q, %v", old, test.name, paths, plain)
			}
		}
	}
}

// TestSystemCache compares with what ldconfig says of the same file.
func TestSystemCache(t *testing.T) {
	need(t, "/sbin/ldconfig")
	data, err := os.ReadFile("/etc/ld.so.cache")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/sbin/ldconfig", "-p").Output()
	if err != nil {
		t.Fatal(err)
	}
	c, tag, compared := parseCache(data), map[string]string{"amd64": "x86-64", "arm64": "AArch64"}[native.arch], 0
	for line := range strings.Lines(string(out)) {
		name, path, ok := strings.Cut(strings.TrimSpace(line), " => ")
		name, about, _ := strings.Cut(name, " ")
		if !ok || !strings.Contains(about, tag) {
			continue
		}
		compared++
		if paths, _ := c.find(name, native.cacheFlags); !slices.Contains(paths, path) {
			t.Errorf("find(%q) = %q, ldconfig has %q", name, paths, path)
		}
	}
	if compared < 10 {
		t.Errorf("compared %d names only", compared)
	}
}

func FuzzCache(f *testing.F) {
	f.Add(cacheBytes([]cacheRow{{"liba.so.1", "/a", 0x303, 0}, {"libb.so", "/b", 0x303, 7}}, false), "liba.so.1")
	f.Add(cacheBytes([]cacheRow{{"liba.so.1", "/a", 0x303, 0}}, true), "liba.so.1")
	f.Add([]byte(newMagic+"\xff\xff\xff\xff"), "")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		paths, plain := parseCache(data).find(name, 0x303)
		if plain && len(paths) == 0 {
			t.Error("found nothing that fits every processor")
		}
		for _, p := range paths {
			if !bytes.Contains(data, []byte(p)) {
				t.Errorf("path %q is not in the file", p)
			}
		}
	})
}

func TestCompareNamesIsAnOrder(t *testing.T) {
	names := []string{"", "lib", "lib.so", "lib.so.1", "lib.so.2", "lib.so.10", "lib1.so", "liba.so", "lib10.so", "lib01.so"}
	for _, a := range names {
		for _, b := range names {
			if compareNames([]byte(a), b) != -compareNames([]byte(b), a) {
				t.Errorf("%q and %q have no order", a, b)
			}
		}
	}
	if got := compareNames([]byte("lib.so.10"), "lib.so.9"); got != 1 {
		t.Errorf("10 is not after 9: %d", got)
	}
	if !reflect.DeepEqual(parseCache([]byte("nonsense")), cache{}) {
		t.Error("nonsense is a cache")
	}
}
