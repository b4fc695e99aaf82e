package closure

import (
	"slices"
	"strings"
)

// options says how an interpreter reads its command line, as far as finding the
// script goes. An option that is in none of the lists may take a value, for all
// that is known, and then the script cannot be told.
type options struct {
	flags      string   // letters that take nothing
	digits     string   // letters that take the digits that follow in the word
	value      string   // letters that take the rest of the word, or the next word
	rest       string   // letters that take the rest of the word only
	ends       string   // letters after which no script follows
	longFlags  []string // words that take nothing; "x*" is every word that begins with x
	longValue  []string // words that take the next word
	longEnds   []string
	longScript []string // words whose value is the script
	words      bool     // a single dash starts a word too
	plus       bool     // +x is an option, and letters that take a value take the next words
	only       string   // a script has this suffix
	none       bool     // what follows is never a script
	suffixes   []string // what may be added to the name of a script
}

// An effect is what an option does to the search for the script: how many of the
// next words it takes, or one of these.
type effect int

const (
	takesScript effect = -1 - iota // the next word is the script
	endsOptions                    // no script follows
	isUnknown                      // it may take the next word or not
)

// script finds the script in the arguments of an interpreter: the first that is no
// option. It is "" if there is none, or if an unknown option hides it.
func (o *options) script(args []string) (script, unknown string) {
	for len(args) > 0 && !o.none {
		word := args[0]
		args = args[1:]
		var e effect
		switch {
		case word == "--":
			return o.first(args), ""
		case word == "-" || word == "":
			return "", "" // standard input
		case strings.HasPrefix(word, "--") || o.words && word[0] == '-':
			e = o.long(strings.TrimLeft(word, "-"))
		case word[0] == '-' || o.plus && word[0] == '+':
			e = o.short(word[1:])
		default:
			return o.first([]string{word}), ""
		}
		switch {
		case e == endsOptions || len(args) == 0:
			return "", ""
		case e == takesScript:
			return args[0], ""
		case e == isUnknown:
			return "", word
		}
		args = args[min(int(e), len(args)):]
	}
	return "", ""
}

func (o *options) first(args []string) string {
	if len(args) == 0 || !strings.HasSuffix(args[0], o.only) {
		return ""
	}
	return args[0]
}

// long judges an option that is a word. One with its value attached takes nothing
// else, whatever it is.
func (o *options) long(word string) effect {
	name, _, attached := strings.Cut(word, "=")
	switch {
	case slices.Contains(o.longScript, name):
		return takesScript
	case slices.Contains(o.longEnds, name):
		return endsOptions
	case attached:
		return 0
	case slices.Contains(o.longValue, name):
		return 1
	case slices.ContainsFunc(o.longFlags, func(flag string) bool { return isWordOf(name, flag) }):
		return 0
	}
	return isUnknown
}

// isWordOf tells whether a word is one of a list of flags.
func isWordOf(word, flag string) bool {
	start, many := strings.CutSuffix(flag, "*")
	return word == flag || many && strings.HasPrefix(word, start)
}

// short judges a cluster of letters.
func (o *options) short(letters string) (taken effect) {
	for len(letters) > 0 {
		c := letters[0]
		letters = letters[1:]
		switch {
		case strings.IndexByte(o.flags, c) >= 0:
		case strings.IndexByte(o.ends, c) >= 0:
			return endsOptions
		case strings.IndexByte(o.digits, c) >= 0:
			letters = strings.TrimLeft(letters, "0123456789")
		case strings.IndexByte(o.rest, c) >= 0:
			return taken
		case strings.IndexByte(o.value, c) < 0:
			return isUnknown
		case o.plus:
			taken++
		case letters == "":
			return 1
		default:
			return 0
		}
	}
	return taken
}
