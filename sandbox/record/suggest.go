package record

import (
	"path"
	"slices"
	"strings"

	"sandrun/policy"
)

// The shape of a suggestion, for each flag.
const (
	maxExact  = 16      // paths; more than this, and siblings are folded
	minFold   = 4       // siblings that are folded into their directory
	minDepth  = 2       // of a directory that files are folded into: /usr/lib has 2
	maxValues = 32      // values that a flag gets
	maxLength = 4 << 10 // of all of them together
)

// A Suggestion is the flags that would grant what was denied in a run.
type Suggestion struct {
	// Flags are arguments of sandrun, the values of a permission merged.
	Flags []string
	// Folded are directories in Flags that grant more than was denied: they stand
	// for files below them, or they were to be made. Who makes a directory wants
	// to fill it, and would otherwise learn so one level in each run.
	Folded []Folded
	// Wide are flags that are not in Flags because they grant far more than the
	// one thing that was denied, such as everything below / or a home, which is
	// what a grant of a directory means where only listing it was denied.
	Wide []string
	// Left is how many of what was denied Flags does not grant, because it would
	// be too long.
	Left int
}

// Folded is a directory that stands for what is below it.
type Folded struct {
	Dir   string
	Files int  // that were denied
	Made  bool // it was to be made
}

// Places are what a suggestion must know of this system.
type Places struct {
	// Home is the user's home, "" if there is none. Neither it nor what is above is
	// ever suggested for what lies below.
	Home string
	// Tmp is the directory that @tmp means.
	Tmp string
	// Passing tells whether a name was made up for one run: to grant it is of no use
	// in the next one. Nil: none was.
	Passing func(path string) bool
}

// Suggest merges what was denied into few flags.
func (w *Wishes) Suggest(at Places) Suggestion {
	out := Suggestion{Left: w.Overlooked}
	resources, entries := map[policy.Scope][]string{}, map[policy.Scope][]string{}
	bare := map[policy.Scope]bool{}
	for g := range w.wanted {
		switch {
		case g.resource == "":
			bare[g.scope] = true
		case g.entry:
			entries[g.scope] = append(entries[g.scope], g.resource)
		default:
			resources[g.scope] = append(resources[g.scope], g.resource)
		}
	}
	for _, c := range policy.Capabilities {
		list := resources[c.Scope]
		slices.Sort(list)
		switch {
		case bare[c.Scope] && (len(list) == 0 || c.Value != policy.OptionalPrograms):
			// Code without a path needs the whole scope. A fork does not where there
			// is a program to list: a list lets fork too.
			out.Flags = append(out.Flags, "--"+c.Flag)
		case c.Value == policy.Patterns, c.Value == policy.OptionalPatterns:
			out.merge(c, out.narrow(c, list, entries[c.Scope], at))
		default:
			out.merge(c, exact(list))
		}
	}
	if slices.ContainsFunc(out.Folded, func(f Folded) bool { return f.Made }) {
		// The program makes its directories itself, and may stumble over one that is there.
		out.Flags = append(out.Flags, "--no-create")
	}
	return out
}

// exact are resources as they are.
func exact(resources []string) []area {
	list := make([]area, 0, len(resources))
	for _, r := range resources {
		list = append(list, area{path: r, files: 1})
	}
	return list
}

// narrow takes out what would grant too much, and folds what is too many.
func (s *Suggestion) narrow(c policy.Capability, paths, entries []string, at Places) []area {
	found, home, temporary := areas{}, at.Home, 0
	for _, p := range paths {
		switch dir := path.Dir(strings.TrimSuffix(p, "/")); {
		case at.Passing == nil || !at.Passing(strings.TrimSuffix(p, "/")):
		case dir == at.Tmp:
			temporary++
			continue
		case mayFold(dir, home):
			found.add(area{path: dir, dir: true, folded: true})
		}
		if isWide(p, home) {
			r := Record{Scope: c.Scope, Resource: p}
			s.Wide = append(s.Wide, r.Flag())
			continue
		}
		made := strings.HasSuffix(p, "/")
		found.add(area{path: strings.TrimSuffix(p, "/"), files: 1, dir: made, folded: made, made: made})
	}
	found.absorb()
	for len(found) > maxExact && found.fold(home) {
		found.absorb()
	}
	found.addEntries(entries)
	list := found.sorted()
	if temporary > 0 {
		list = append(list, area{path: "@tmp", files: temporary, set: true, folded: true})
	}
	return list
}

// isWide tells whether a grant of a path reaches everything or a whole home.
func isWide(p, home string) bool {
	dir := strings.TrimSuffix(p, "/") + "/"
	return dir == "/" || strings.HasPrefix(strings.TrimSuffix(home, "/")+"/", dir) ||
		dir == "/root/" || dir == "/home/" || path.Dir(path.Clean(p)) == "/home"
}

// merge writes the values of a flag in as few flags as can be, up to the bounds.
func (s *Suggestion) merge(c policy.Capability, list []area) {
	flag := ""
	length := 0
	for _, a := range s.most(list) {
		value, _ := flagValue(c, a.value()) // only what a flag can grant is kept
		switch {
		case a.entry:
			value, _ = glob(a.path)
		case a.set:
			value = a.path
		}
		if length+len(value) > maxLength {
			s.Left += a.files
			continue
		}
		length += len(value)
		if a.folded {
			s.Folded = append(s.Folded, Folded{a.value(), a.files, a.made})
		}
		switch {
		case flag == "":
			flag = "--" + c.Flag + "=" + value
		case strings.HasSuffix(flag, `\`): // it would take the comma for itself
			s.Flags = append(s.Flags, flag)
			flag = "--" + c.Flag + "=" + value
		default:
			flag += "," + value
		}
	}
	if flag != "" {
		s.Flags = append(s.Flags, flag)
	}
}

// most keeps the areas that stand for the most, in their order.
func (s *Suggestion) most(list []area) []area {
	if len(list) <= maxValues {
		return list
	}
	slices.SortStableFunc(list, func(a, b area) int { return b.files - a.files })
	for _, a := range list[maxValues:] {
		s.Left += a.files
	}
	list = list[:maxValues]
	slices.SortFunc(list, func(a, b area) int { return strings.Compare(a.path, b.path) })
	return list
}

// IsMadeUp tells whether a name looks like one of mkstemp(3) and its kin: a word of at
// least six letters and digits, of which a digit or a capital stands where nobody would
// write one.
func IsMadeUp(name string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}), isMadeUpWord)
}

// isMadeUpWord looks for a digit before a letter, and for a capital that begins no part
// of the word: fewer than two small letters follow it, though there are some.
func isMadeUpWord(word string) bool {
	const enough = 6
	small := strings.ContainsFunc(word, isSmall)
	for i := 1; i < len(word) && len(word) >= enough; i++ {
		next, after := byte('A'), byte('A')
		if i+1 < len(word) {
			next = word[i+1]
		}
		if i+2 < len(word) {
			after = word[i+2]
		}
		switch c := rune(word[i]); {
		case c <= '9' && i+1 < len(word) && next > '9':
			return true
		case c >= 'A' && c <= 'Z' && small && (!isSmall(rune(next)) || !isSmall(rune(after))):
			return true
		}
	}
	return false
}

func isSmall(r rune) bool { return r >= 'a' && r <= 'z' }
