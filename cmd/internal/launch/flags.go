//go:build linux

package launch

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sandrun/cmd/internal/voice"
	"sandrun/policy"
	"sandrun/sandbox"
)

// A Flag is a flag of every command that makes a policy.
type Flag struct {
	Name, Help string
	Arg        string // what its value is called, "" of a switch
	Optional   bool   // the value can be left out, and is given after "=" only
	List       bool   // may be given again
	Later      bool   // of a later version: refused by name where it is used
	set        func(s *Settings, value string) error
}

// Bare is the value of an optional flag that came without one. No argument can be
// it: arguments of a process have no zero bytes.
const Bare = "\x00"

// ErrTwice refuses a flag that was given before.
var ErrTwice = errors.New("is given twice")

var errNoValue = errors.New("needs a value (a file of that name is ./--)")

// Set takes a value of the flag, or Bare.
func (f *Flag) Set(s *Settings, value string) error {
	if !f.List {
		if slices.Contains(s.given, f.Name) {
			return ErrTwice
		}
		s.given = append(s.given, f.Name)
	}
	return f.set(s, value)
}

// Flags lists every flag: those of the permissions come first.
func Flags() []Flag {
	list := make([]Flag, 0, len(policy.Capabilities)+len(settingFlags)+len(laterFlags))
	for _, c := range policy.Capabilities {
		list = append(list, grantFlag(c))
	}
	list = append(list, settingFlags[:]...)
	for _, l := range laterFlags {
		list = append(list, l.flag())
	}
	return list
}

// find finds a flag by its name.
func find(name string) (f Flag, ok bool) {
	for _, c := range policy.Capabilities {
		if c.Flag == name {
			return grantFlag(c), true
		}
	}
	for i := range settingFlags {
		if settingFlags[i].Name == name {
			return settingFlags[i], true
		}
	}
	for _, l := range laterFlags {
		if l.name == name {
			return l.flag(), true
		}
	}
	return Flag{}, false
}

// parse reads the flags of a command line up to the first word that is none, and returns
// that and what follows. It gives up on whatever the library of flags might have a word
// about; what it reads, that reads alike.
func (s *Settings) parse(args []string) (command []string, ok bool) {
	// Most flags are grants, and to make room for thousands in steps takes long.
	most := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "--") || a == "--" })
	s.grants = slices.Grow(s.grants, max(most, 0))
	for len(args) > 0 {
		word, isFlag := strings.CutPrefix(args[0], "--")
		switch {
		case isFlag && word == "":
			return args[1:], true
		case !isFlag:
			return args, !strings.HasPrefix(args[0], "-") || args[0] == "-"
		}
		name, value, hasValue := strings.Cut(word, "=")
		f, known := find(name)
		args = args[1:]
		switch {
		case !known:
			return nil, false
		case hasValue:
		case f.Optional:
			value = Bare
		case len(args) == 0:
			return nil, false
		default:
			value, args = args[0], args[1:]
		}
		if f.Set(s, value) != nil {
			return nil, false
		}
	}
	return nil, true
}

// grantFlag makes the flag of a permission.
func grantFlag(c policy.Capability) Flag {
	return Flag{
		Name: c.Flag, Help: c.Help, Arg: c.Arg, Optional: c.Value != policy.Patterns, List: c.Value != policy.Switch,
		set: func(s *Settings, value string) error {
			isBare := value == Bare
			switch {
			case isBare:
				value = ""
			case value == "--": // the end of the flags, swallowed
				return errNoValue
			}
			grants, warnings, err := policy.ParseFlag(c, value, isBare, s.dir)
			s.grants = append(s.grants, grants...)
			s.warnings = append(s.warnings, warnings...)
			return err
		},
	}
}

// settingFlags are the flags that are no permissions. Whatever must be computed for a
// table like this one, is so at every start.
var settingFlags = [...]Flag{
	{
		Name: "policy", Arg: "FILE", Help: "read a manifest too",
		set: func(s *Settings, value string) error { return setText(&s.policy, value) },
	},
	{
		Name: "policy-integrity", Arg: "SRI", Help: "digest that the manifest must have",
		set: (*Settings).setPinned,
	},
	{
		Name: "onerror", Arg: "throw|log|exit",
		Help: "what a denied operation does: fail, go ahead and be recorded, or end the program",
		set:  func(s *Settings, value string) error { return SetOneOf(&s.onerror, value, policy.OnErrorNames) },
	},
	{
		Name: "exit-status", Arg: "N", Help: "exit status of --onerror=exit (77 if it is left out)",
		set: (*Settings).setExitStatus,
	},
	{
		Name: "log-format", Arg: "text|json", Help: "how denials are recorded",
		set: func(s *Settings, value string) error { return SetOneOf(&s.logFormat, value, logFormats) },
	},
	{
		Name: "log-file", Arg: "FILE", Help: "record denials in FILE, not on stderr",
		set: func(s *Settings, value string) error { return setText(&s.logFile, value) },
	},
	{
		Name: "tolerate", Arg: "NAME,...", Help: "accept that this kernel cannot hold NAME", List: true,
		set: (*Settings).setTolerate,
	},
	{
		Name: "bare", Optional: true, Help: "grant nothing for the start but the ELF closure",
		set: func(s *Settings, value string) error { return SetSwitch(&s.bareStart, value) },
	},
	{
		Name: "deny-jit", Optional: true, Help: "never let memory that was writable become executable",
		set: func(s *Settings, value string) error { return SetSwitch(&s.denyJIT, value) },
	},
	{
		Name: "no-create", Optional: true, Help: "do not make the directories of --allow-fs-write=DIR/",
		set: func(s *Settings, value string) error { return SetSwitch(&s.noCreate, value) },
	},
	{
		Name: "explain", Optional: true, Help: "look for every denial, and say what would grant it",
		set: func(s *Settings, value string) error { return SetSwitch(&s.explain, value) },
	},
	{
		Name: "quiet", Optional: true, Help: "no warnings, no hints, and no text records on stderr",
		set: func(s *Settings, value string) error { return SetSwitch(&s.quiet, value) },
	},
	{
		Name: "json", Optional: true, Help: "answer in JSON (check and plan)",
		set: func(s *Settings, value string) error { return SetSwitch(&s.JSON, value) },
	},
}

// A laterFlag is a flag of the design that this version refuses by name when it is used.
type laterFlag struct{ name, arg, help string }

var laterFlags = [...]laterFlag{
	{"user", "NAME", "run as another user"},
	{"group", "NAME", "run as another group"},
	{"umask", "MODE", "umask of the program"},
	{"chdir", "DIR", "working directory of the program"},
	{"allow-cap", "NAME", "keep a capability"},
	{"inherit-fd", "N", "pass a descriptor on"},
}

func (l laterFlag) flag() Flag {
	return Flag{
		Name: l.name, Arg: l.arg, Help: l.help + " (not in this version)", List: true, Later: true,
		set: func(s *Settings, _ string) error {
			s.later = append(s.later, l.name)
			return nil
		},
	}
}

// setText takes a value that must not be empty.
func setText(into *string, value string) error {
	switch value {
	case "":
		return errors.New("the value is empty")
	case "--":
		return errNoValue
	}
	*into = value
	return nil
}

// SetOneOf takes one of several words.
func SetOneOf(into *string, value string, allowed []string) error {
	if err := setText(into, value); err != nil {
		return err
	}
	if !slices.Contains(allowed, value) {
		return fmt.Errorf("%q is not one of %s", value, strings.Join(allowed, ", "))
	}
	return nil
}

// SetSwitch takes the value of a flag that is true when it is given.
func SetSwitch(into *bool, value string) error {
	switch value {
	case Bare, "true":
		*into = true
	case "false":
		*into = false
	default:
		return fmt.Errorf("%q is neither true nor false", value)
	}
	return nil
}

// setExitStatus takes a status that a process can end with.
func (s *Settings) setExitStatus(value string) error {
	n, err := strconv.ParseUint(value, 10, 8)
	if err != nil {
		return fmt.Errorf("%q is no exit status: it must be a number from 0 to 255", value)
	}
	s.exitStatus = int(n)
	return nil
}

// setTolerate takes the names of gaps.
func (s *Settings) setTolerate(value string) error {
	for name := range strings.SplitSeq(value, ",") {
		if !slices.Contains(sandbox.GapNames, name) {
			err := fmt.Errorf("%q is no gap (they are %s)", name, strings.Join(sandbox.GapNames, ", "))
			return voice.WithHint(err, policy.Suggest(name, sandbox.GapNames))
		}
		s.tolerate = append(s.tolerate, name)
	}
	return nil
}
