package record

import (
	"path"
	"strings"

	"sandrun/policy"
)

// Flag is the flag that would grant what was denied and no more, as an argument
// of sandrun (a shell may need it quoted). It is "" where no flag does: for a
// mismatch of integrity, for a file without a path, and for a name that no flag
// can spell.
func (r *Record) Flag() string {
	c, ok := policy.Lookup(r.Scope)
	if !ok || r.Code == BadIntegrity {
		return ""
	}
	value, ok := flagValue(c, r.Resource)
	if ok && r.Entry {
		value, ok = glob(r.Resource)
	}
	switch {
	case !ok:
		return ""
	case value == "":
		return "--" + c.Flag
	}
	return "--" + c.Flag + "=" + value
}

// flagValue is what a capability's flag takes in order to grant a resource; it
// is "" for the flag without a value.
func flagValue(c policy.Capability, resource string) (value string, ok bool) {
	switch c.Value {
	case policy.Patterns:
		return pattern(resource)
	case policy.OptionalPatterns:
		if resource == "" { // code that no path leads to
			return "", true
		}
		return pattern(resource)
	case policy.OptionalPrograms:
		if resource == "" { // a fork
			return "", true
		}
		return program(resource)
	case policy.OptionalNames:
		return comma(resource), !strings.ContainsAny(resource, "=*\x00")
	}
	// A switch; and the network, which this version grants as a whole, but for unix
	// sockets.
	return "", resource != policy.UnixSockets
}

// pattern spells a path as a pattern that means this path. A star would end it,
// and grant everything that begins so: a target that opens "/*" must not lead a
// user to grant that.
func pattern(p string) (string, bool) {
	switch {
	case !path.IsAbs(p), strings.Contains(p, "\x00"):
		return "", false
	case !strings.Contains(p, "*"):
		return comma(p), true
	}
	return glob(p)
}

// glob spells a path as a glob that nothing else matches. It means the entry of
// that name itself, where a plain path means what a link leads to, and what is
// below a directory.
func glob(p string) (string, bool) {
	glob := "glob:" + policy.EscapeGlob(p)
	c, _ := policy.Lookup(policy.FSRead)
	grants, _, err := policy.ParseFlag(c, comma(glob), false, "/")
	return comma(glob), err == nil && len(grants) == 1 // a glob must be text
}

// program spells a path as an entry of a program list, which knows no patterns.
func program(p string) (string, bool) {
	return comma(p), path.IsAbs(p) && !strings.ContainsAny(p, "*\x00") && !strings.HasSuffix(p, "/")
}

// comma escapes the mark that separates the values of a flag.
func comma(s string) string { return strings.ReplaceAll(s, ",", `\,`) }
