package policy

import (
	"fmt"
	"strings"
)

// Suggest says what a word that is not known may have meant: a sentence, or ""
// where there is nothing to say. Flags, which begin with a dash, are also looked
// up among those of neighbouring tools.
func Suggest(word string, known []string) string {
	if strings.HasPrefix(word, "-") {
		if text := neighbour(word); text != "" {
			return text
		}
	}
	near := nearest(word, known)
	switch {
	case near == "":
		return ""
	case strings.HasPrefix(near, "-"):
		return "did you mean " + near + "?"
	}
	return fmt.Sprintf("did you mean %q?", near)
}

// suggestKey is Suggest for a key of a manifest, which is a flag without dashes.
func suggestKey(key string, known []string) string {
	if text := neighbour("--" + key); text != "" {
		return strings.ReplaceAll(text, "--", "")
	}
	return Suggest(key, known)
}

// neighbour finds a flag of another tool.
func neighbour(word string) string {
	for _, n := range neighbours {
		prefix, star := strings.CutSuffix(n.flag, "*")
		if word == n.flag || star && strings.HasPrefix(word, prefix) {
			return n.text
		}
	}
	return ""
}

// maxWord bounds the words that are compared: nothing we know is half as long.
const maxWord = 64

// nearest finds the known word that a word is a slip of: other letter case, "_"
// for "-", or few letters wrong. A beginning of exactly one known word is one too.
func nearest(word string, known []string) string {
	if word == "" || len(word) > maxWord {
		return ""
	}
	word = fold(word)
	best, least := "", 1+max(1, len(strings.TrimLeft(word, "-"))/3)
	begins := ""
	count := 0
	for _, k := range known {
		folded := fold(k)
		if d := distance(word, folded); d < least {
			best, least = k, d
		}
		if strings.HasPrefix(folded, word) {
			begins = k
			count++
		}
	}
	if best == "" && count == 1 && len(strings.TrimLeft(word, "-")) > 2 {
		return begins
	}
	return best
}

// fold removes what slips most often differ in.
func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }

// distance counts the letters that are missing, wrong, too many, or swapped with
// their neighbour.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
