package closure

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// A chain is a command followed through its #! lines, down to an ELF file.
type chain struct {
	exec    string // what execve gets
	argv    []string
	change  EnvChange
	runs    []string // real paths of the scripts that the kernel runs
	reads   []string // real paths of the scripts that only an interpreter reads
	binary  string   // the ELF file at the end, as it was named
	real    string   // its real path
	object  *object
	seen    []string // its argument vector
	all     []Run
	warning string
}

// script is what the interpreter at the end reads, "" if the command is no script.
func (c *chain) script() string {
	scripts := c.reads
	if len(c.runs) > 0 {
		scripts = c.runs
	}
	if len(scripts) == 0 {
		return ""
	}
	return scripts[len(scripts)-1]
}

// follow finds a command and follows its #! lines. The kernel runs them itself,
// but for those that name env: env would need a second exec, so that its work is
// done here.
func follow(l *loader, command []string) (*chain, error) {
	path, warning, err := lookPath(command[0], l.env, l.dir)
	if err != nil {
		return nil, err
	}
	c := &chain{exec: path, argv: command, warning: warning, seen: command}
	script, current := "", path
	for depth := 0; ; depth++ {
		interp, arg, err := c.inspect(l, current)
		switch {
		case err != nil:
			return nil, blame(script, current, err)
		case interp == "":
			c.binary = current
			return c, nil
		case depth == maxScripts:
			return nil, &NotExecutableError{path, "too many #! interpreters that are scripts themselves"}
		}
		c.seen = slices.Concat([]string{interp}, optional(arg), []string{current}, c.seen[1:])
		script, current = current, interp
		if slices.Contains(envPrograms, interp) {
			if current, err = c.runEnv(l, script); err != nil {
				return nil, err
			}
		}
	}
}

// blame says which program of a chain cannot be run.
func blame(script, current string, err error) error {
	switch {
	case script != "":
		return &NotExecutableError{script, fmt.Sprintf("its #! interpreter %q: %v", current, err)}
	case errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR):
		return &NotFoundError{current, err.Error()}
	}
	return &NotExecutableError{current, err.Error()}
}

func optional(arg string) []string {
	if arg == "" {
		return nil
	}
	return []string{arg}
}

// runEnv does what the env of a #! line would do, and returns the program that it
// would start.
func (c *chain) runEnv(l *loader, script string) (string, error) {
	line, err := parseEnv(c.seen[1:], c.change.lookup(l.env))
	if err != nil {
		return "", &NotExecutableError{script, err.Error()}
	}
	c.change = c.change.then(line.change)
	path, _, err := lookPath(line.name, c.change.lookup(l.env), l.dir)
	if err != nil {
		return "", fmt.Errorf("#! line of %q: %w", script, err)
	}
	c.exec, c.argv, c.seen = path, line.argv, line.argv
	c.reads, c.runs = append(c.reads, c.runs...), nil
	return path, nil
}

// inspect opens a program, and returns the interpreter of its #! line, or reads
// it as an ELF file.
func (c *chain) inspect(l *loader, path string) (interp, arg string, err error) {
	real, f, err := openProgram(l, absolute(l.dir, path))
	if err != nil {
		return "", "", err
	}
	defer f.close()
	c.all = append(c.all, Run{filepath.Clean(absolute(l.dir, path)), real})
	w := l.window.on(f)
	head, err := w.some(0, 0)
	if err != nil {
		return "", "", err
	}
	if len(head) >= 2 && string(head[:2]) == "#!" {
		c.runs = append(c.runs, real)
		return ParseScript(head)
	}
	c.real = real
	c.object, err = readObject(w, l.machine)
	return "", "", err
}

// openProgram opens a file that the kernel would execute.
func openProgram(l *loader, path string) (real string, f file, err error) {
	if real, err = l.real(path); err == nil {
		err = unix.Faccessat(unix.AT_FDCWD, real, unix.X_OK, unix.AT_EACCESS)
	}
	if err == nil {
		f, err = open(real)
	}
	if err == nil {
		return real, f, nil
	}
	if why := runnable(path); why != nil {
		err = why
	} else if errors.Is(err, unix.EACCES) {
		err = formatError("it cannot be read, so that sandrun cannot tell what it needs")
	}
	return "", -1, err
}
