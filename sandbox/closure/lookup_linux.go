package closure

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// defaultPath is where the C library looks without PATH.
const defaultPath = "/bin:/usr/bin"

// lookPath finds a command as execvp does. The path that it returns is as
// relative as the command or the element of PATH.
func lookPath(name string, env func(string) (string, bool), dir string) (path, warning string, err error) {
	switch {
	case name == "":
		return "", "", &NotFoundError{name, "is empty"}
	case strings.IndexByte(name, 0) >= 0:
		return "", "", &NotFoundError{name, "has a zero byte"}
	case strings.Contains(name, "/"):
		return name, "", nil
	}
	list, ok := env("PATH")
	if !ok {
		list = defaultPath
	}
	var refused error
	for element := range strings.SplitSeq(list, ":") {
		if path = element + "/" + name; element == "" {
			path = "./" + name
			warning = "PATH has an empty element, which is the current directory: " + name + " was found there"
		}
		switch err := runnable(absolute(dir, path)); {
		case err == nil && element == "":
			return path, warning, nil
		case err == nil:
			return path, "", nil
		case !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) && refused == nil:
			refused = &NotExecutableError{path, err.Error()}
		}
	}
	if refused != nil {
		return "", "", refused
	}
	return "", "", &NotFoundError{name, "not found in PATH"}
}

// runnable tells why the kernel would not execute a path, nil if it would.
func runnable(path string) error {
	var st unix.Stat_t
	switch err := unix.Stat(path, &st); {
	case err != nil:
		return err
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return formatError("is a directory")
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return formatError("is not a regular file")
	}
	err := unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS)
	if err == unix.EACCES && st.Mode&0o111 == 0 {
		return formatError("its mode lets nobody execute it (chmod +x)")
	}
	return err
}
