package policy

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// ParseFlag reads one occurrence of a capability's flag. bare says that it came
// without a value; base is the absolute directory of relative paths. Errors do
// not name the flag.
func ParseFlag(c Capability, value string, bare bool, base string) ([]Grant, []Warning, error) {
	source := Source{Flag: "--" + c.Flag}
	switch {
	case !path.IsAbs(base):
		return nil, nil, fmt.Errorf("base directory %q: is not absolute", base)
	case bare && c.Value == Patterns:
		return nil, nil, fmt.Errorf("it needs a value: --%s=%s", c.Flag, c.Arg)
	case bare, value == "true" && c.Value != Patterns:
		g := c.whole()
		g.Source = source
		return []Grant{g}, boolWarning(c, value, source), nil
	case value == "false" && c.Value != Patterns:
		return nil, boolWarning(c, value, source), nil
	case value == "":
		return nil, nil, errors.New("the value is empty")
	case c.Value == Switch:
		return nil, nil, fmt.Errorf("%q is neither true nor false", value)
	}
	var grants []Grant
	var warnings []Warning
	for _, element := range splitList(value) {
		g, texts, err := c.parse(element, base)
		if err != nil {
			return nil, nil, err
		}
		g.Source = source
		grants = append(grants, g)
		for _, text := range texts {
			warnings = append(warnings, Warning{source, text})
		}
	}
	return grants, warnings, nil
}

// boolWarning tells the two programs true and false from the two values.
func boolWarning(c Capability, value string, source Source) []Warning {
	if c.Value != OptionalPrograms || value == "" {
		return nil
	}
	every := map[string]string{"true": "every program", "false": "none"}[value]
	return []Warning{{source, fmt.Sprintf("%q is no program here: it allows %s; for the program, write its path", value, every)}}
}

// splitList splits at commas; a backslash before a comma makes it part of the
// element, and is itself anywhere else. So an element that ends in a backslash
// can only be the last one of a flag.
func splitList(s string) []string {
	var list []string
	var element strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], `\,`):
			element.WriteByte(',')
			i++
		case s[i] == ',':
			list = append(list, element.String())
			element.Reset()
		default:
			element.WriteByte(s[i])
		}
	}
	return append(list, element.String())
}
