package landlock

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRulesFit makes rules whose rights are more than a file, or what is handled, can
// have. What such rules then give, the tests of the command see.
func TestRulesFit(t *testing.T) {
	dir := t.TempDir()
	file, link := dir+"/file", dir+"/link"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		handled Access
		rule    Rule
		want    error
	}{
		{"a directory", Read | Write, Rule{Path: dir, Access: Read | Write}, nil},
		{"a file with the rights of directories", Read | Write, Rule{Path: file, Access: Read | Write}, nil},
		{"a file with no others", Read | Write, Rule{Path: file, Access: Read &^ ReadFile}, nil},
		{"a device", Read | Write, Rule{Path: "/dev/null", Access: Read | Write}, nil},
		{"nothing of it handled", Execute, Rule{Path: dir, Access: Read}, nil},
		{"nothing there", Read, Rule{Path: dir + "/none", Access: Read}, unix.ENOENT},
		{"nothing there, but found by a pattern", Read, Rule{Path: dir + "/none", Access: Read, Found: true}, nil},
		{"a symbolic link", Read, Rule{Path: link, Access: Read}, unix.ELOOP},
		{"another pin than a file", Read, Rule{Path: dir, Access: Read, Pin: 1 << 20}, unix.EBADF},
	} {
		fd, err := NewRuleset(Rights{FS: c.handled}, []Rule{c.rule})
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err == nil {
			_ = unix.Close(fd)
		}
	}
}
