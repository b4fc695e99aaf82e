package closure

import (
	"fmt"
	"strings"
)

// A splitter carries out env -S: words, quotes, escapes and ${NAME}.
type splitter struct {
	env   func(string) (string, bool)
	words []string
	word  strings.Builder
	open  bool // a word has begun, even if it is empty
}

// splitString splits the value of env -S into words.
func splitString(s string, env func(string) (string, bool)) ([]string, error) {
	p := splitter{env: env}
	var quote byte // of the string we are in, or 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
			p.open = true
		case quote == 0 && strings.IndexByte(" \t\n\v\f\r", c) >= 0:
			p.end()
		case quote == 0 && c == '#' && !p.open:
			return p.words, nil
		case c == '\\':
			n, stop, err := p.escape(s[i+1:], quote)
			if err != nil || stop {
				return p.words, err
			}
			i += n
		case c == '$' && quote != '\'':
			n, err := p.variable(s[i:])
			if err != nil {
				return nil, err
			}
			i += n - 1
		default:
			p.add(c)
		}
	}
	if quote != 0 {
		return nil, formatError("its #! line has no closing quote in env -S")
	}
	p.end()
	return p.words, nil
}

func (p *splitter) add(c byte) {
	p.open = true
	p.word.WriteByte(c)
}

func (p *splitter) end() {
	if p.open {
		p.words = append(p.words, p.word.String())
		p.word.Reset()
		p.open = false
	}
}

// Letters that stand for another byte after a backslash, and those bytes.
const (
	escapeLetters = "fnrtv"
	escapeBytes   = "\f\n\r\t\v"
)

// escape carries out what follows a backslash. It returns how many bytes that
// took, and whether the string ends here.
func (p *splitter) escape(s string, quote byte) (n int, stop bool, err error) {
	if s == "" {
		return 0, false, formatError("its #! line ends in a backslash in env -S")
	}
	c := s[0]
	switch {
	case quote == '\'' && c != '\'' && c != '\\':
		// Anything else is no escape in single quotes.
		p.add('\\')
		return 0, false, nil
	case strings.IndexByte(`"#$'\`, c) >= 0:
		p.add(c)
	case c == '_' && quote == 0:
		p.end()
	case c == '_':
		p.add(' ')
	case c == 'c' && quote == 0:
		p.end()
		return 1, true, nil
	case c == 'c':
		return 0, false, formatError(`its #! line has \c in a quoted string of env -S`)
	case strings.IndexByte(escapeLetters, c) >= 0:
		p.add(escapeBytes[strings.IndexByte(escapeLetters, c)])
	default:
		return 0, false, formatError(fmt.Sprintf("its #! line has the unknown escape %q in env -S", s[:1]))
	}
	return 1, false, nil
}

// variable expands ${NAME}. One that is not set leaves nothing, not even an empty
// word.
func (p *splitter) variable(s string) (n int, err error) {
	name, _, closed := strings.Cut(strings.TrimPrefix(s, "${"), "}")
	if !strings.HasPrefix(s, "${") || !closed || !isName(name) {
		return 0, formatError("its #! line has a $ in env -S that is not ${NAME}")
	}
	if value, ok := p.env(name); ok {
		p.open = true
		p.word.WriteString(value)
	}
	return len("${}") + len(name), nil
}

func isName(s string) bool {
	if s == "" || isDigit(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return true
}
