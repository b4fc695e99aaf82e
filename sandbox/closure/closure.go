// Package closure finds what a program needs in order to start: the executable,
// its dynamic loader and libraries, the chain of its #! lines, the C library's
// plug-ins and data, a few devices, and the standard library of a known
// interpreter.
//
// It promises that what the dynamic loader would load is in the answer, and that
// nothing in it is a secret: every file outside of the program's own
// installation stands in a table here, with a reason. Where the loader's choice
// depends on the processor (glibc-hwcaps), every variant is in the answer.
//
// The author of a program chooses its name, its links and neighbours, its ELF
// interpreter and its #! line, and is not trusted: an interpreter's installation
// counts only where it shows the marks of one, and never beyond its own library
// directories and the system's; a library or ELF interpreter is an ELF file of this
// machine; and only a word that the user typed can be the script that is granted.
//
// Files are only read, never executed; what is not a regular file is never
// opened; and the work is bounded, because the supervisor asks about programs
// that the target wrote.
//
// What a child process runs is judged by its file alone: a virtual environment of
// python, which is a matter of the name, is unknown then. In a Java virtual machine
// the foreign-function interface is part of the machine and cannot be excepted.
//
// It does not know what a program opens later by names of its own (dlopen,
// plug-ins, configuration), nor the libraries that packages in an interpreter's
// package directories link to outside of them. Nor does it know the directories
// of processor names that the GNU C library before 2.37 searches below a
// library path ("haswell"), but where ld.so.cache lists them.
package closure

import (
	"fmt"
	"slices"
	"strings"
)

// Access is a set of things that may be done with a file.
type Access uint8

// Map is the right to be mapped executable, which makes a file the program's own
// native code. Libraries have it without Execute.
const (
	Read Access = 1 << iota
	Write
	Execute
	Map
)

// accessNames are in bit order.
var accessNames = [...]string{"read", "write", "execute", "map"}

// String names the rights, as in "read,map".
func (a Access) String() string {
	var names []string
	for i, name := range accessNames {
		if a&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if rest := a &^ (1<<len(accessNames) - 1); rest != 0 {
		names = append(names, fmt.Sprintf("%#x", uint8(rest)))
	}
	return strings.Join(names, ",")
}

// A File is one file or directory that the program needs.
type File struct {
	Path     string // absolute, symbolic links resolved
	Access   Access
	Tree     bool   // a directory: it and everything below
	Terminal bool   // the controlling terminal
	Why      string // "the executable", "needed by /bin/true"
	Pin      int    // an O_PATH descriptor of it, 0 for none
}

// Own says which native code counts as the program's own although it is not
// listed: every file below Path, but those whose base name matches a pattern of
// Except (filepath.Match).
type Own struct {
	Path   string
	Except []string
}

// A Request asks for a closure.
type Request struct {
	Command []string                         // as the user wrote it
	Env     func(name string) (string, bool) // the environment that the program will get
	Dir     string                           // working directory, absolute
	Bare    bool                             // only the ELF closure and the #! chain
	Pin     bool                             // keep the descriptors by which data files were found
}

// EnvChange is what the env of a #! line asked for. The zero value changes
// nothing.
type EnvChange struct {
	Clear bool     // env -i
	Unset []string // env -u NAME
	Set   []string // NAME=VALUE
}

// Apply returns the environment after the change, in the order in which env does
// it: clear, unset, set.
func (c EnvChange) Apply(env []string) []string {
	if c.Clear {
		env = nil
	}
	changed := func(entry string) bool {
		return names(c.Unset, entryName(entry)) || names(c.Set, entryName(entry))
	}
	env = slices.DeleteFunc(slices.Clone(env), changed)
	for i, entry := range c.Set {
		if !names(c.Set[i+1:], entryName(entry)) {
			env = append(env, entry)
		}
	}
	return env
}

// then returns the change that does c, and next after it.
func (c EnvChange) then(next EnvChange) EnvChange {
	if next.Clear {
		return next
	}
	unset := func(entry string) bool { return names(next.Unset, entryName(entry)) }
	return EnvChange{
		Clear: c.Clear,
		Unset: append(slices.Clone(c.Unset), next.Unset...),
		Set:   append(slices.DeleteFunc(slices.Clone(c.Set), unset), next.Set...),
	}
}

func entryName(entry string) string {
	name, _, _ := strings.Cut(entry, "=")
	return name
}

// names tells whether a list of names or NAME=VALUE entries has a name.
func names(list []string, name string) bool {
	return slices.ContainsFunc(list, func(entry string) bool { return entryName(entry) == name })
}

// lookup finds a variable after the change.
func (c EnvChange) lookup(env func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, s := range slices.Backward(c.Set) {
			if n, value, _ := strings.Cut(s, "="); n == name {
				return value, true
			}
		}
		if c.Clear || slices.Contains(c.Unset, name) {
			return "", false
		}
		return env(name)
	}
}

// A Closure is what a program needs in order to start.
type Closure struct {
	// Program is the absolute path of what runs, after the env of a #! line was
	// carried out. Symbolic links are not resolved: virtual environments and
	// programs with several names depend on it.
	Program string
	// Exec is Program as execve should get it: relative if the command was, for a
	// #! script sees this as $0.
	Exec        string
	Argv        []string
	Env         EnvChange
	Files       []File   // sorted by path, one entry for each
	Loaders     []string // ELF interpreters among them
	Interpreter string   // name of a known interpreter, also of a #! script's
	Script      string   // what that interpreter runs, granted for reading
	Threads     string   // what cannot run without threads, where that is certain
	Shim        string   // the program that this shell script will start
	Own         []Own
	Static      bool // has no ELF interpreter
	Runs        []Run
	Seen        []string // the argument vector that the ELF file at the end gets
	Warnings    []string
}

// A Run is a program or script that the launch goes through.
type Run struct{ Named, Real string } // as it was named, made absolute, and without symbolic links

// NotFoundError says that a command does not exist.
type NotFoundError struct {
	Name   string
	Reason string
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("command %q: %s", e.Name, e.Reason)
}

// NotExecutableError says why a program that exists cannot be run.
type NotExecutableError struct {
	Path   string
	Reason string
}

func (e *NotExecutableError) Error() string {
	return fmt.Sprintf("program %q: %s", e.Path, e.Reason)
}
