package closure

import (
	"fmt"
	"strings"
)

// envPrograms are the names of env that #! lines use.
var envPrograms = []string{"/usr/bin/env", "/bin/env"}

// An envLine is what an env command asks for.
type envLine struct {
	change EnvChange
	name   string   // the program
	argv   []string // its argument vector
}

// The options of GNU env that are carried out, by letter. What it says about
// signals, the working directory and its own output is refused.
const envShort = "iuSa"

func envLong(name string) (letter string) {
	switch name {
	case "ignore-environment":
		return "i"
	case "unset":
		return "u"
	case "split-string":
		return "S"
	case "argv0":
		return "a"
	}
	return ""
}

// maxEnvOptions ends what would not end: a variable X that holds "-S${X}".
const maxEnvOptions = 100

// parseEnv reads the arguments of env (without its own name) and the way it would
// replace itself by a program.
func parseEnv(args []string, env func(string) (string, bool)) (*envLine, error) {
	e := &envLine{}
	argv0 := ""
	for n := 0; len(args) > 0; n++ {
		if n == maxEnvOptions {
			return nil, formatError("its #! line gives env too many options")
		}
		word := args[0]
		if len(word) < 2 || word[0] != '-' {
			break
		}
		args = args[1:]
		if word == "--" {
			break
		}
		option, value, rest, err := envOption(word, args)
		if err != nil {
			return nil, err
		}
		args = rest
		switch option {
		case "i":
			e.change.Clear = true
		case "u":
			e.change.Unset = append(e.change.Unset, value)
		case "a":
			argv0 = value
		case "S":
			words, err := splitString(value, env)
			if err != nil {
				return nil, err
			}
			args = append(words, args...)
		}
	}
	if len(args) > 0 && args[0] == "-" {
		e.change.Clear = true
		args = args[1:]
	}
	for len(args) > 0 && strings.Contains(args[0], "=") {
		e.change.Set = append(e.change.Set, args[0])
		args = args[1:]
	}
	if len(args) == 0 {
		return nil, formatError("its #! line gives env no program to run")
	}
	e.name, e.argv = args[0], append([]string(nil), args...)
	if argv0 != "" {
		e.argv[0] = argv0
	}
	return e, nil
}

// envOption reads one option and its value. Of a cluster like -iS it takes the
// first, and puts the others back.
func envOption(word string, args []string) (option, value string, rest []string, err error) {
	var attached bool
	if long, ok := strings.CutPrefix(word, "--"); ok {
		long, value, attached = strings.Cut(long, "=")
		option = envLong(long)
	} else {
		if strings.IndexByte(envShort, word[1]) >= 0 {
			option = word[1:2]
		}
		value, attached = word[2:], len(word) > 2
		if option == "i" && attached && value[0] != '-' {
			return option, "", append([]string{"-" + value}, args...), nil
		}
	}
	switch {
	case option == "" && strings.ContainsAny(word, " \t"):
		return "", "", nil, formatError(fmt.Sprintf("its #! line gives env the option %q as one word: write env -S", word))
	case option == "":
		return "", "", nil, formatError(fmt.Sprintf("its #! line gives env the option %q, which sandrun does not carry out", word))
	case option == "i" && attached:
		return "", "", nil, formatError(fmt.Sprintf("its #! line gives env the option %q, which takes no value", word))
	case option == "i" || attached:
		return option, value, args, nil
	case len(args) == 0:
		return "", "", nil, formatError(fmt.Sprintf("its #! line gives env the option %q without a value", word))
	}
	return option, args[0], args[1:], nil
}
