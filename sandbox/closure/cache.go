package closure

import (
	"bytes"
	"encoding/binary"
	"sort"
)

// maxCache is far above the largest ld.so.cache (8,000 libraries take 1 MiB).
const maxCache = 64 << 20

// A cache is the content of /etc/ld.so.cache: which file has which library name.
// The zero value is an empty one.
type cache struct {
	data    []byte // from the header of the new format on; names are offsets into it
	entries []byte
}

const (
	oldMagic   = "ld.so-1.7.0"
	newMagic   = "glibc-ld.so.cache1.1"
	oldHeader  = 16 // of the old format, which glibc before 2.32 writes in front
	oldEntry   = 12
	newHeader  = 48
	cacheEntry = 24
)

// parseCache finds the entries. What is not the new format is an empty cache, as
// it is for the dynamic loader.
func parseCache(data []byte) cache {
	le := binary.LittleEndian
	if bytes.HasPrefix(data, []byte(oldMagic)) && len(data) >= oldHeader {
		skip := (oldHeader + uint64(le.Uint32(data[12:]))*oldEntry + 7) &^ 7
		data = data[min(skip, uint64(len(data))):]
	}
	if !bytes.HasPrefix(data, []byte(newMagic)) || len(data) < newHeader {
		return cache{}
	}
	size := uint64(le.Uint32(data[20:])) * cacheEntry
	if size > uint64(len(data)-newHeader) {
		return cache{}
	}
	return cache{data, data[newHeader : newHeader+size]}
}

// find returns the files with a library name: all of them, since the choice
// between the variants of glibc-hwcaps is the processor's; and whether one fits
// every processor.
func (c cache) find(name string, flags int32) (paths []string, plain bool) {
	le := binary.LittleEndian
	n := len(c.entries) / cacheEntry
	key := func(i int) []byte { return c.text(le.Uint32(c.entries[i*cacheEntry+4:])) }
	// ldconfig writes the names in descending order.
	first := sort.Search(n, func(i int) bool { return compareNames(key(i), name) <= 0 })
	for i := first; i < n && compareNames(key(i), name) == 0; i++ {
		e := c.entries[i*cacheEntry:]
		path := c.text(le.Uint32(e[8:]))
		if int32(le.Uint32(e)) != flags || len(path) == 0 {
			continue
		}
		paths = append(paths, string(path))
		plain = plain || le.Uint64(e[16:]) == 0
	}
	return paths, plain
}

func (c cache) text(offset uint32) []byte {
	if uint64(offset) >= uint64(len(c.data)) {
		return nil
	}
	text, _, _ := bytes.Cut(c.data[offset:], []byte{0})
	return text
}

// compareNames is the order of ld.so.cache: digits count as numbers, and come
// after everything else.
func compareNames(a []byte, b string) int {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		x, y := a[i], b[j]
		switch {
		case isDigit(x) && isDigit(y):
			var m, n uint32
			for ; i < len(a) && isDigit(a[i]); i++ {
				m = m*10 + uint32(a[i]-'0')
			}
			for ; j < len(b) && isDigit(b[j]); j++ {
				n = n*10 + uint32(b[j]-'0')
			}
			if m != n {
				return order(m, n)
			}
		case isDigit(x):
			return 1
		case isDigit(y):
			return -1
		case x != y:
			return order(uint32(x), uint32(y))
		default:
			i, j = i+1, j+1
		}
	}
	return order(uint32(len(a)-i), uint32(len(b)-j))
}

func order(m, n uint32) int {
	switch {
	case m < n:
		return -1
	case m > n:
		return 1
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
