package closure

import (
	"slices"
	"strings"
)

// options says how an interpreter reads its command line, as far as finding the
// script goes.
type options struct {
	value      string   // letters that take the rest of the word, or the next word
	rest       string   // letters that take the rest of the word only
	ends       string   // letters after which no script follows
	longValue  []string // words that take the next word
	longEnds   []string
	longScript []string // words whose value is the script
	words      bool     // a single dash starts a word too
	plus       bool     // +x is an option
	only       string   // a script has this suffix
	none       bool     // what follows is never a script
	suffixes   []string // what may be added to the name of a script
}

// script finds the script in the arguments of an interpreter: the first that is no
// option. It is "" if there is none.
func (o *options) script(args []string) string {
	for len(args) > 0 && !o.none {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			return o.first(args)
		case word == "-" || word == "":
			return "" // standard input
		case strings.HasPrefix(word, "--") || o.words && word[0] == '-':
			skip, ends, script := o.long(strings.TrimLeft(word, "-"), args)
			if ends {
				return script
			}
			args = args[min(skip, len(args)):]
		case word[0] == '-' || o.plus && word[0] == '+':
			skip, ends := o.short(word[1:])
			if ends {
				return ""
			}
			args = args[min(skip, len(args)):]
		default:
			return o.first([]string{word})
		}
	}
	return ""
}

func (o *options) first(args []string) string {
	if len(args) == 0 || !strings.HasSuffix(args[0], o.only) {
		return ""
	}
	return args[0]
}

// long judges an option that is a word: how many arguments it takes, or that the
// options end with it.
func (o *options) long(word string, args []string) (skip int, ends bool, script string) {
	name, _, attached := strings.Cut(word, "=")
	switch {
	case slices.Contains(o.longScript, name) && len(args) > 0:
		return 0, true, args[0]
	case slices.Contains(o.longEnds, name):
		return 0, true, ""
	case slices.Contains(o.longValue, name) && !attached:
		return 1, false, ""
	}
	return 0, false, ""
}

// short judges a cluster of letters.
func (o *options) short(letters string) (skip int, ends bool) {
	for i := range len(letters) {
		c := letters[i]
		switch {
		case strings.IndexByte(o.ends, c) >= 0:
			return 0, true
		case strings.IndexByte(o.rest, c) >= 0:
			return 0, false
		case strings.IndexByte(o.value, c) >= 0 && i+1 == len(letters):
			return 1, false
		case strings.IndexByte(o.value, c) >= 0 && !o.plus:
			return 0, false
		}
	}
	return 0, false
}
