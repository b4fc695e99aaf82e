package closure

import (
	"errors"
	"fmt"
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
		return name, "", runnable(name, absolute(dir, name))
	}
	list, ok := env("PATH")
	if !ok {
		list = defaultPath
	}
	var refused error
	for element := range strings.SplitSeq(list, ":") {
		if path = element + "/" + name; element == "" {
			path = "./" + name
		}
		err := runnable(path, absolute(dir, path))
		var missing *NotFoundError
		switch {
		case err == nil && element == "":
			return path, "PATH has an empty element, which is the current directory: " + name + " was found there", nil
		case err == nil:
			return path, "", nil
		case !errors.As(err, &missing) && refused == nil:
			refused = err
		}
	}
	if refused != nil {
		return "", "", refused
	}
	return "", "", &NotFoundError{name, "not found in PATH"}
}

// runnable tells why the kernel would not execute a path at all.
func runnable(name, path string) error {
	var st unix.Stat_t
	switch err := unix.Stat(path, &st); {
	case err == unix.ENOENT || err == unix.ENOTDIR:
		return &NotFoundError{name, err.Error()}
	case err != nil:
		return &NotExecutableError{name, err.Error()}
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return &NotExecutableError{name, "is a directory"}
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return &NotExecutableError{name, "is not a regular file"}
	}
	err := unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS)
	switch {
	case err == nil:
		return nil
	case err == unix.EACCES && st.Mode&0o111 == 0:
		return &NotExecutableError{name, "its mode does not let anyone execute it (chmod +x)"}
	case err == unix.EACCES:
		return &NotExecutableError{name, "permission denied"}
	}
	return &NotExecutableError{name, fmt.Sprintf("access: %v", err)}
}
