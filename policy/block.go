package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Block is the addresses of IPv4 or IPv6 that begin with the same bits; with all of
// them, one address. The zero Block is none.
//
// Package net/netip would do. It starts a goroutine when the program starts (its zones
// are unique values), which takes 2 % of a launch, of which none uses it.
type Block struct {
	address [16]byte // of IPv4 in the first four
	size    uint8    // of an address in bytes; 0 in the zero Block
	bits    uint8
}

// IsValid tells whether it is a block.
func (b Block) IsValid() bool { return b.size != 0 }

// Is6 tells whether the addresses are those of IPv6.
func (b Block) Is6() bool { return b.size == 16 }

// IsAddress tells whether it is one address.
func (b Block) IsAddress() bool { return b.IsValid() && b.bits == 8*b.size }

// hidden returns the address of IPv4 that one of IPv6 maps (::ffff:0:0/96).
func (b Block) hidden() (inner Block, ok bool) {
	prefix := Block{size: 16, bits: 96, address: [16]byte{10: 0xff, 11: 0xff}}
	outer := b
	outer.bits = 96
	if !b.Is6() || outer.masked() != prefix {
		return Block{}, false
	}
	inner = Block{size: 4, bits: 32}
	copy(inner.address[:], b.address[12:])
	return inner, true
}

// masked returns the block with zeros after its bits.
func (b Block) masked() Block {
	for i := range b.address {
		if kept := int(b.bits) - 8*i; kept < 8 {
			b.address[i] &^= 0xff >> max(kept, 0)
		}
	}
	return b
}

// String writes it as a rule spells it: 192.0.2.0/24, [2001:db8::1].
func (b Block) String() string {
	text := b.addressText()
	if b.Is6() {
		text = "[" + text + "]"
	}
	if !b.IsAddress() {
		text += "/" + strconv.Itoa(int(b.bits))
	}
	return text
}

// addressText writes the address, of IPv6 as RFC 5952 says: the longest run of zeros,
// of several the first, is "::".
func (b Block) addressText() string {
	if !b.Is6() {
		a := b.address
		return fmt.Sprintf("%d.%d.%d.%d", a[0], a[1], a[2], a[3])
	}
	from, to := 0, 0
	for i := 0; i < 8; i++ {
		n := i
		for n < 8 && b.group(n) == 0 {
			n++
		}
		if n-i > max(to-from, 1) { // one group alone is written
			from, to = i, n
		}
		i = n
	}
	var text strings.Builder
	for i := 0; i < 8; i++ {
		if i == from && to > from {
			text.WriteString("::")
			if i = to; i == 8 {
				break
			}
		} else if i > 0 {
			text.WriteByte(':')
		}
		text.WriteString(strconv.FormatUint(uint64(b.group(i)), 16))
	}
	return text.String()
}

func (b Block) group(i int) uint16 { return uint16(b.address[2*i])<<8 | uint16(b.address[2*i+1]) }

func (b Block) compare(o Block) int {
	return cmp.Or(cmp.Compare(b.size, o.size), slices.Compare(b.address[:], o.address[:]), cmp.Compare(b.bits, o.bits))
}

// parseAddress reads one address, of IPv6 without brackets and zone.
func parseAddress(text string) (b Block, ok bool) {
	if strings.Contains(text, ":") {
		b = Block{size: 16, bits: 128}
		ok = parseIPv6(text, b.address[:])
	} else {
		b = Block{size: 4, bits: 32}
		ok = parseIPv4(text, b.address[:4])
	}
	return b, ok
}

// parseIPv4 reads four decimal numbers, none of which has a zero in front: some
// programs take it for octal.
func parseIPv4(text string, into []byte) bool {
	numbers := strings.Split(text, ".")
	if len(numbers) != len(into) {
		return false
	}
	for i, number := range numbers {
		n, err := strconv.ParseUint(number, 10, 8)
		if err != nil || number != strconv.FormatUint(n, 10) {
			return false
		}
		into[i] = byte(n)
	}
	return true
}

// parseIPv6 reads groups of four hexadecimal digits, a run of which "::" may stand for;
// the last two can be an address of IPv4.
func parseIPv6(text string, into []byte) bool {
	head, tail, cut := strings.Cut(text, "::")
	var front, back [16]byte
	n, ok := parseGroups(head, front[:], !cut)
	if !cut {
		return ok && copy(into, front[:n]) == len(into)
	}
	m, okBack := parseGroups(tail, back[:], true)
	if !ok || !okBack || n+m >= len(into) {
		return false
	}
	copy(into, front[:n])
	copy(into[len(into)-m:], back[:m])
	return true
}

// parseGroups reads groups and returns how many bytes they are. At the end of an address
// they may end with one of IPv4.
func parseGroups(text string, into []byte, atEnd bool) (n int, ok bool) {
	if text == "" {
		return 0, true
	}
	groups := strings.Split(text, ":")
	for i, group := range groups {
		if atEnd && i == len(groups)-1 && strings.Contains(group, ".") {
			if n+4 > len(into) {
				return n, false
			}
			return n + 4, parseIPv4(group, into[n:n+4])
		}
		v, err := strconv.ParseUint(group, 16, 16)
		if err != nil || len(group) > 4 || n+2 > len(into) {
			return n, false
		}
		into[n], into[n+1] = byte(v>>8), byte(v)
		n += 2
	}
	return n, true
}
