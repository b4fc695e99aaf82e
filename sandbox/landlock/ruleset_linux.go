package landlock

import (
	"fmt"
	"strconv"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// A Rule gives rights on one file, or on a directory and everything below.
type Rule struct {
	Path   string // absolute, without symbolic links
	Access Access
	// Found: a pattern has found the path. It is left out where it cannot be
	// opened; nobody asked for it by name, and the target cannot open it either.
	Found bool
	Pin   int // an O_PATH descriptor of it, which is closed when the rule is made; 0 for none
}

// NewRuleset makes a ruleset that denies everything in handled but what the
// rules give, and returns its descriptor (close-on-exec). Rights that are not
// in handled, or that do not fit a file, are left out of a rule.
// A path that cannot be opened is an error that wraps the errno of open.
func NewRuleset(handled Rights, rules []Rule) (int, error) {
	attr := ll.RulesetAttr{HandledAccessFS: uint64(handled.FS), HandledAccessNet: handled.Net, Scoped: handled.Scoped}
	fd, err := ll.LandlockCreateRuleset(&attr, 0)
	if err != nil {
		return -1, fmt.Errorf("landlock_create_ruleset: %w", err)
	}
	for _, r := range rules {
		if err := addRule(fd, handled.FS, r); err != nil {
			unix.Close(fd)
			return -1, err
		}
	}
	return fd, nil
}

func addRule(ruleset int, handled Access, r Rule) error {
	fd, err := r.open()
	if r.Found && (err == unix.EACCES || err == unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %q for a kernel rule: %w", r.Path, err)
	}
	defer unix.Close(fd)
	err = allow(ruleset, fd, r.Access&handled)
	if err == unix.EINVAL { // what is no directory takes none of its rights
		err = allow(ruleset, fd, r.Access&handled&fileAccess)
	}
	if err != nil {
		return fmt.Errorf("landlock_add_rule %q (%s): %w", r.Path, r.Access&handled, err)
	}
	return nil
}

// allow adds a rule for an opened file. The kernel answers ENOMSG for an empty one.
func allow(ruleset, fd int, access Access) error {
	if access == 0 {
		return nil
	}
	attr := ll.PathBeneathAttr{AllowedAccess: uint64(access), ParentFd: fd}
	return ll.LandlockAddPathBeneathRule(ruleset, &attr, 0)
}

// open returns a descriptor of the file that the rule is for.
func (r Rule) open() (int, error) {
	if r.Pin != 0 {
		return r.Pin, nil
	}
	return openExact(r.Path)
}

// openExact opens a path that has no symbolic links in it. A component that was
// replaced by one since the path was resolved would put the rule on another file.
func openExact(path string) (int, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &how)
	if err != unix.ENOSYS && err != unix.EPERM {
		return fd, err
	}
	// An outer sandbox refuses openat2, as sandrun's own filter does.
	fd, err = unix.Open(path, unix.O_PATH|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return -1, err
	}
	var b [4096]byte
	n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), b[:])
	if err == nil && string(b[:n]) != path {
		err = unix.ELOOP
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Support is what the probe of the running kernel found.
type Support uint8

// The answers that need different advice.
const (
	Works    Support = iota
	Absent           // the kernel was built without it, or is older than 5.13
	Disabled         // built in, but not in the list of active security modules
	Blocked          // an outer sandbox refuses the call
	Unknown          // any other answer
)

// Probe asks the running kernel for its ABI version and errata. For anything
// but Works the error is the kernel's answer.
func Probe() (s Support, abi, errata int, err error) {
	abi, err = ll.LandlockGetABIVersion()
	switch err {
	case nil:
		// Errata are newer than ABI 6 (Linux 6.15): a kernel that does not know
		// the question has none of the fixes.
		if errata, err = ll.LandlockGetErrata(); err != nil {
			errata = 0
		}
		return Works, abi, errata, nil
	case unix.ENOSYS:
		return Absent, 0, 0, err
	case unix.EOPNOTSUPP:
		return Disabled, 0, 0, err
	case unix.EPERM, unix.EACCES:
		return Blocked, 0, 0, err
	}
	return Unknown, 0, 0, err
}

// Scope puts the calling thread into a domain that confines nothing but these
// scopes. The thread needs no_new_privs, and a kernel that has scopes.
//
// Every layer denies renames and links across directories (REFER) unless a rule
// of its own grants them, even one that does not handle them; so this one does.
func Scope(scoped uint64) error {
	fd, err := NewRuleset(Rights{FS: Refer, Scoped: scoped}, []Rule{{Path: "/", Access: Refer}})
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := ll.LandlockRestrictSelf(fd, 0); err != nil {
		return fmt.Errorf("landlock_restrict_self: %w", err)
	}
	return nil
}
