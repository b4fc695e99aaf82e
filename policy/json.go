package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The syntax of RFC 8259, with what its readers disagree about refused:
// repeated keys, byte-order marks, invalid UTF-8, lone surrogates, NUL, anything
// after the document, and deep nesting. encoding/json lets most of it pass.

// A kind is the type of a JSON value.
type kind uint8

const (
	kindNull kind = iota + 1
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

var kindNames = [...]string{kindNull: "null", kindBool: "a boolean", kindNumber: "a number", kindString: "a string", kindArray: "an array", kindObject: "an object"}

func (k kind) String() string { return kindNames[k] }

// A node is a value and its place.
type node struct {
	kind    kind
	at      Position
	span    Span
	text    string // of a string, decoded; else as written
	items   []node
	members []member
}

type member struct {
	key   string
	at    Position // of the key
	name  Span     // of the key
	value node
}

// maxDepth bounds nesting; a manifest needs four levels.
const maxDepth = 32

// A parser walks the bytes of a document once.
type parser struct {
	data   string
	next   int // offset
	cursor cursor
}

// A syntaxError is a place where the document is no document.
type syntaxError struct {
	at   Position
	text string
}

func (e *syntaxError) Error() string { return e.text }

// parseJSON reads a whole document.
func parseJSON(data []byte) (node, *syntaxError) {
	text := string(data)
	p := parser{data: text, cursor: cursor{data: text, at: Position{1, 1}}}
	n, err := p.document()
	if err != nil {
		return node{}, err
	}
	return n, nil
}

func (p *parser) document() (node, *syntaxError) {
	if err := p.checkEncoding(); err != nil {
		return node{}, err
	}
	p.skipBlanks()
	if p.next == len(p.data) {
		return node{}, p.fail(p.next, "the document is empty")
	}
	n, err := p.value(0)
	if err != nil {
		return n, err
	}
	p.skipBlanks()
	if p.next < len(p.data) {
		return n, p.unexpected("the document ended before this")
	}
	return n, nil
}

// checkEncoding refuses what is not plain UTF-8.
func (p *parser) checkEncoding() *syntaxError {
	switch {
	case strings.HasPrefix(p.data, "\xef\xbb\xbf"):
		return p.fail(0, "a byte-order mark is not allowed: save the file as UTF-8 without one")
	case utf8.ValidString(p.data):
		return nil
	case strings.HasPrefix(p.data, "\xff\xfe"), strings.HasPrefix(p.data, "\xfe\xff"):
		return p.fail(0, "the file is UTF-16: save it as UTF-8")
	}
	bad := 0
	for bad < len(p.data) {
		r, size := utf8.DecodeRuneInString(p.data[bad:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		bad += size
	}
	return p.fail(bad, fmt.Sprintf("the byte 0x%02x is not UTF-8 here", p.data[bad]))
}

func (p *parser) fail(offset int, text string) *syntaxError {
	return &syntaxError{p.cursor.seek(offset), text}
}

// unexpected says what stands where something else was expected.
func (p *parser) unexpected(why string) *syntaxError {
	if p.next == len(p.data) {
		return p.fail(p.next, "the document ends too early: "+why)
	}
	rest := p.data[p.next:]
	r, _ := utf8.DecodeRuneInString(rest)
	switch {
	case strings.HasPrefix(rest, "//"), strings.HasPrefix(rest, "/*"), r == '#':
		return p.fail(p.next, "JSON has no comments")
	case r == '\'':
		return p.fail(p.next, `JSON quotes with ", not '`)
	}
	return p.fail(p.next, fmt.Sprintf("%q is unexpected: %s", r, why))
}

func (p *parser) skipBlanks() {
	for p.next < len(p.data) && strings.IndexByte(" \t\r\n", p.data[p.next]) >= 0 {
		p.next++
	}
}

// take moves over a byte if it is the next one.
func (p *parser) take(c byte) bool {
	if p.next < len(p.data) && p.data[p.next] == c {
		p.next++
		return true
	}
	return false
}

// value reads any value; blanks before it were skipped.
func (p *parser) value(depth int) (node, *syntaxError) {
	if depth > maxDepth {
		return node{}, p.fail(p.next, fmt.Sprintf("the document is nested more than %d levels deep", maxDepth))
	}
	if p.next == len(p.data) {
		return node{}, p.unexpected("a value is missing")
	}
	n := node{at: p.cursor.seek(p.next), span: Span{Start: p.next}}
	var err *syntaxError
	switch c := p.data[p.next]; {
	case c == '{':
		n.kind = kindObject
		n.members, err = p.object(depth)
	case c == '[':
		n.kind = kindArray
		n.items, err = p.array(depth)
	case c == '"':
		n.kind = kindString
		n.text, err = p.str()
	case c == '-' || '0' <= c && c <= '9':
		n.kind = kindNumber
		n.text, err = p.number()
	default:
		n.kind, n.text, err = p.word()
	}
	n.span.End = p.next
	return n, err
}

func (p *parser) array(depth int) ([]node, *syntaxError) {
	p.next++
	p.skipBlanks()
	if p.take(']') {
		return nil, nil
	}
	var items []node
	for {
		p.skipBlanks()
		n, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, n)
		p.skipBlanks()
		if p.take(']') {
			return items, nil
		}
		if err := p.comma("]"); err != nil {
			return nil, err
		}
	}
}

func (p *parser) object(depth int) ([]member, *syntaxError) {
	p.next++
	p.skipBlanks()
	if p.take('}') {
		return nil, nil
	}
	var members []member
	seen := map[string]Position{}
	for {
		m, err := p.member(depth, seen)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
		p.skipBlanks()
		if p.take('}') {
			return members, nil
		}
		if err := p.comma("}"); err != nil {
			return nil, err
		}
	}
}

// comma reads the comma between two elements; none can stand before the end.
func (p *parser) comma(end string) *syntaxError {
	comma := p.next
	if !p.take(',') {
		return p.unexpected(`"," or "` + end + `" is expected`)
	}
	p.skipBlanks()
	if strings.HasPrefix(p.data[p.next:], end) {
		return p.fail(comma, "JSON allows no comma after the last element")
	}
	return nil
}

func (p *parser) member(depth int, seen map[string]Position) (m member, err *syntaxError) {
	p.skipBlanks()
	if p.next == len(p.data) || p.data[p.next] != '"' {
		return m, p.unexpected(`a key in " is expected`)
	}
	m.at, m.name.Start = p.cursor.seek(p.next), p.next
	if m.key, err = p.str(); err != nil {
		return m, err
	}
	m.name.End = p.next
	if first, twice := seen[m.key]; twice {
		return m, &syntaxError{m.at, fmt.Sprintf("%q is given twice: the first is at %d:%d", m.key, first.Line, first.Column)}
	}
	seen[m.key] = m.at
	p.skipBlanks()
	if !p.take(':') {
		return m, p.unexpected(`":" is expected`)
	}
	p.skipBlanks()
	m.value, err = p.value(depth + 1)
	return m, err
}
