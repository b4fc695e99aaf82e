package policy

import (
	"strconv"
	"strings"
	"unicode/utf16"
)

// str reads a string and decodes it.
func (p *parser) str() (string, *syntaxError) {
	p.next++
	start := p.next
	var decoded strings.Builder
	plain := true
	for p.next < len(p.data) {
		switch c := p.data[p.next]; {
		case c == '"':
			text := p.data[start:p.next]
			p.next++
			if plain {
				return text, nil
			}
			return decoded.String() + text, nil
		case c < ' ':
			return "", p.fail(p.next, "a control character must be escaped inside a string: a line ends before its quote, or a tab is not \\t")
		case c == '\\':
			plain = false
			decoded.WriteString(p.data[start:p.next])
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			decoded.WriteRune(r)
			start = p.next
		default:
			p.next++
		}
	}
	return "", p.unexpected("a string is not closed")
}

// escapes are the characters that can follow a backslash, and what they stand for.
const escapes = `""\\//b` + "\b" + "f\f" + "n\n" + "r\r" + "t\t"

// escape reads what a backslash begins.
func (p *parser) escape() (rune, *syntaxError) {
	start := p.next
	p.next++
	if p.take('u') {
		return p.unicodeEscape(start)
	}
	if p.next < len(p.data) {
		for i := 0; i < len(escapes); i += 2 {
			if p.take(escapes[i]) {
				return rune(escapes[i+1]), nil
			}
		}
	}
	return 0, p.fail(start, `a backslash in JSON is written \\`)
}

// unicodeEscape reads \uXXXX, or two that make a pair of surrogates.
func (p *parser) unicodeEscape(start int) (rune, *syntaxError) {
	r, ok := p.hex()
	switch {
	case !ok:
		return 0, p.fail(start, `\u takes four hexadecimal digits`)
	case r == 0:
		return 0, p.fail(start, "a zero byte is not allowed")
	case !utf16.IsSurrogate(r):
		return r, nil
	}
	if p.take('\\') && p.take('u') {
		if low, ok := p.hex(); ok {
			if pair := utf16.DecodeRune(r, low); pair != '\uFFFD' {
				return pair, nil
			}
		}
	}
	return 0, p.fail(start, "half a pair of surrogates is no character")
}

// hex reads four hexadecimal digits.
func (p *parser) hex() (rune, bool) {
	if len(p.data)-p.next < 4 {
		return 0, false
	}
	digits := p.data[p.next : p.next+4]
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || digits[0] == '+' {
		return 0, false
	}
	p.next += 4
	return rune(n), true
}

// word reads true, false or null.
func (p *parser) word() (kind, string, *syntaxError) {
	for _, word := range [...]string{"true", "false", "null"} {
		rest, ok := strings.CutPrefix(p.data[p.next:], word)
		if !ok || rest != "" && isWordByte(rest[0]) {
			continue
		}
		p.next += len(word)
		if word == "null" {
			return kindNull, word, nil
		}
		return kindBool, word, nil
	}
	return 0, "", p.unexpected("a value is expected")
}

func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// number reads a number by its syntax alone: no key of a manifest takes one.
func (p *parser) number() (string, *syntaxError) {
	start := p.next
	p.take('-')
	if !p.take('0') && !p.digits() {
		return "", p.unexpected("a digit is expected")
	}
	if p.take('.') && !p.digits() {
		return "", p.unexpected("a digit is expected")
	}
	if p.take('e') || p.take('E') {
		_ = p.take('+') || p.take('-')
		if !p.digits() {
			return "", p.unexpected("a digit is expected")
		}
	}
	if p.next < len(p.data) && (isWordByte(p.data[p.next]) || p.data[p.next] == '.') {
		return "", p.unexpected("a number of JSON is decimal and begins with no needless zero")
	}
	return p.data[start:p.next], nil
}

func (p *parser) digits() bool {
	start := p.next
	for p.next < len(p.data) && '0' <= p.data[p.next] && p.data[p.next] <= '9' {
		p.next++
	}
	return p.next > start
}
