package record

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plainMarks are the marks that no shell treats specially anywhere in a word.
const plainMarks = "/._-+=,:@%"

// Quote writes a word so that a shell reads it back as it is, in printable
// characters only: as it is, in ”, or, where it holds what cannot be printed or
// a single quote, in $”. The empty string stays empty.
func Quote(s string) string {
	switch {
	case isPlain(s):
		return s
	case isPrintable(s) && !strings.Contains(s, "'"):
		return "'" + s + "'"
	}
	return "$'" + escape(s, `\'`) + "'"
}

// isPlain tells whether a shell takes a word as it is. Letters and digits of
// every script are plain to it.
func isPlain(s string) bool {
	for _, r := range s {
		switch {
		case r == utf8.RuneError: // it may stand for a broken byte
			return false
		case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune(plainMarks, r):
		default:
			return false
		}
	}
	return true
}

// isPrintable tells whether a text holds printable characters and spaces only.
func isPrintable(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// printable escapes what a terminal must not get.
func printable(s string) string {
	if isPrintable(s) {
		return s
	}
	return escape(s, "")
}

// escape replaces each byte of what cannot be printed by \xNN, and puts a
// backslash before some marks.
func escape(s, marks string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1, !unicode.IsPrint(r):
			for _, c := range []byte(s[:size]) {
				b.WriteString(`\x`)
				if c < 0x10 {
					b.WriteByte('0')
				}
				b.WriteString(strconv.FormatUint(uint64(c), 16))
			}
		case strings.ContainsRune(marks, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}
