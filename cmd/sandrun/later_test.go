//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sandrun/policy"
)

// laterOperations are what grants of names can say and the kernel cannot: each is
// refused by default, works with its own flag, and with no other.
var laterOperations = []operation{
	{"read by a prefix", policy.FSRead, "read DIR/file", "--allow-fs-read=DIR/fi*", "", "EACCES"},
	{"read by a glob", policy.FSRead, "read DIR/file", "--allow-fs-read=glob:DIR/**", "", "EACCES"},
	{"read by openat2", policy.FSRead, "openat2read DIR/file", "--allow-fs-read=DIR/fi*", "", refused},
	{"list by a prefix", policy.FSRead, "list DIR/empty", "--allow-fs-read=DIR/em*", "", "EACCES"},
	{"list by a glob", policy.FSRead, "list DIR/empty", "--allow-fs-read=glob:DIR/e?pty", "", "EACCES"},
	{"list by a prefix of the directory", policy.FSRead, "list DIR", "--allow-fs-read=DIR*", "", "EACCES"},
	{"read what may only be written", policy.FSRead, "read DIR/file", "--allow-fs-read=DIR/fi*", "--allow-fs-write=DIR/fi*", "EACCES"},
	{"read and write what may only be written", policy.FSRead, "rdwr DIR/file", "--allow-fs-read=DIR/fi*", "--allow-fs-write=DIR/fi*", "EACCES"},
	{"read and write a file that may only be written", policy.FSRead, "rdwr DIR/file", "--allow-fs-read=DIR/file", "--allow-fs-write=DIR/file", "EACCES"},
	{"read the own process", policy.FSRead, "cat /proc/self/stat", "--allow-fs-read=/proc/self", "", "EACCES"},
	{"read the own process by a glob", policy.FSRead, "cat /proc/self/status", "--allow-fs-read=glob:/proc/self/*", "", "EACCES"},
	{"read the own thread", policy.FSRead, "cat /proc/thread-self/stat", "--allow-fs-read=/proc/thread-self", "", "EACCES"},
	{"list own descriptors", policy.FSRead, "list /dev/fd", "--allow-fs-read=/dev/fd", "", "EACCES"},
	{"list own descriptors in proc", policy.FSRead, "list /proc/self/fd", "--allow-fs-read=/proc/self/fd", "", "EACCES"},
	{"read a file of proc", policy.FSRead, "cat /proc/meminfo", "--allow-fs-read=/proc/meminfo", "", "EACCES"},
	{"read a setting", policy.FSRead, "cat /proc/sys/kernel/osrelease", "--allow-fs-read=/proc/sys/kernel/osrelease", "", "EACCES"},

	{"create a missing file", policy.FSWrite, "create DIR/new", "--allow-fs-write=DIR/new", "", "EACCES"},
	{"create by a prefix", policy.FSWrite, "create DIR/new", "--allow-fs-write=DIR/n*", "", "EACCES"},
	{"create by a glob", policy.FSWrite, "create DIR/new", "--allow-fs-write=glob:DIR/n?w", "", "EACCES"},
	{"create by creat", policy.FSWrite, "creat DIR/new 0644", "--allow-fs-write=DIR/new", "", "EACCES"},
	{"create by openat2", policy.FSWrite, "openat2 DIR/new 0644", "--allow-fs-write=DIR/new", "", refused},
	{"create by mknod", policy.FSWrite, "mknod DIR/new 0100644 0", "--allow-fs-write=DIR/new", "", "EACCES"},
	{"write by a prefix", policy.FSWrite, "write DIR/file", "--allow-fs-write=DIR/fi*", "", "EACCES"},
	{"write what may only be read", policy.FSWrite, "rdwr DIR/file", "--allow-fs-write=DIR/fi*", "--allow-fs-read=DIR/fi*", "EACCES"},
	{"write only", policy.FSWrite, "write DIR/file", "--allow-fs-write=glob:DIR/*", "--allow-fs-read=glob:DIR/*", "EACCES"},
	{"truncate by a prefix", policy.FSWrite, "truncate DIR/file", "--allow-fs-write=DIR/fi*", "", "EACCES"},
	{"truncate by an open for reading", policy.FSWrite, "opentrunc DIR/file", "--allow-fs-write=DIR/fi*", "--allow-fs-read=DIR/fi*", "EACCES"},
	{"remove a granted file", policy.FSWrite, "unlink DIR/file", "--allow-fs-write=DIR/file", "", "EACCES"},
	{"remove by a prefix", policy.FSWrite, "unlink DIR/file", "--allow-fs-write=DIR/f*", "", "EACCES"},
	{"make a missing directory", policy.FSWrite, "mkdir DIR/new", "--allow-fs-write=DIR/new", "", "EACCES"},
	{"make a directory that is not made at launch", policy.FSWrite, "mkdir DIR/new", "--allow-fs-write=DIR/new/", "--no-create", "EACCES"},
	{"make a directory by a prefix", policy.FSWrite, "mkdir DIR/new", "--allow-fs-write=DIR/n*", "", "EACCES"},
	{"remove a directory by a prefix", policy.FSWrite, "rmdir DIR/empty", "--allow-fs-write=DIR/em*", "", "EACCES"},
	{"rename between two grants", policy.FSWrite, "rename DIR/file DIR/other", "--allow-fs-write=DIR/file,DIR/other", "", "EACCES"},
	{"rename by a glob", policy.FSWrite, "rename DIR/file DIR/empty/other", "--allow-fs-write=glob:DIR/**", "", "EACCES"},
	{"link between two grants", policy.FSWrite, "link DIR/file DIR/other", "--allow-fs-write=DIR/file,DIR/other", "", "EACCES"},
	{"link by a glob", policy.FSWrite, "link DIR/file DIR/other", "--allow-fs-write=glob:DIR/*", "", "EACCES"},
	{"make a symbolic link by its name", policy.FSWrite, "symlink x DIR/other", "--allow-fs-write=DIR/other", "", "EACCES"},
	{"make a FIFO by its name", policy.FSWrite, "mkfifo DIR/other", "--allow-fs-write=DIR/other", "", "EACCES"},
	{"make a file without a name by a prefix", policy.FSWrite, "tmpfile DIR", "--allow-fs-write=DIR*", "--allow-fs-read=DIR*", "EACCES"},
	{"chmod by a prefix", policy.FSWrite, "chmod DIR/file 0640", "--allow-fs-write=DIR/fi*", "", "EPERM"},
	{"utime by a glob", policy.FSWrite, "utime DIR/file", "--allow-fs-write=glob:DIR/f*", "", "EPERM"},

	{"map code of a file that a prefix grants", policy.Addon, "mapexec DIR/file", "--allow-addons", "--allow-fs-read=DIR/fi*", "EACCES"},
	{"map listed code of a file that a prefix grants", policy.Addon, "mapexec DIR/file", "--allow-addons=DIR/file", "--allow-fs-read=DIR/fi*", "EACCES"},
}

// TestLaterPermissions: without sandrun each works; by default, and with every flag
// but its own, it is refused and nothing changes; with its own flag it works.
func TestLaterPermissions(t *testing.T) {
	for _, op := range laterOperations {
		t.Run(op.name, func(t *testing.T) {
			asEach(t, func(t *testing.T, u user, _ string) {
				var others []string
				for _, c := range policy.Capabilities {
					if c.Scope != op.scope {
						others = append(others, wholeFlag(c))
					}
				}
				base := strings.Fields(op.base)
				try := func(want string, run func(dir string, fill *strings.Replacer, args []string) result) {
					t.Helper()
					dir := scene(t, u)
					before := treeOf(t, dir)
					fill := strings.NewReplacer("DIR", dir)
					r := run(dir, fill, append([]string{probe}, strings.Fields(fill.Replace(op.args))...))
					got := outcomeOf(r)
					if got != want && (want != refused || got == "ok" || r.status != 1) {
						t.Errorf("%s, want %s\n%s%s", got, want, r.out, r.err)
					}
					if want != "ok" && treeOf(t, dir) != before {
						t.Errorf("it was refused, and something changed:\n%s", difference(before, treeOf(t, dir)))
					}
				}
				under := func(flags []string) func(string, *strings.Replacer, []string) result {
					return func(dir string, fill *strings.Replacer, args []string) result {
						filled := make([]string, len(flags))
						for i, f := range flags {
							filled[i] = fill.Replace(f)
						}
						return sandboxed(t, u, dir, filled, args...)
					}
				}
				try("ok", func(dir string, _ *strings.Replacer, args []string) result { return plain(t, u, dir, args...) })
				try(op.errno, under(base))
				try("ok", under(append(slices.Clone(base), op.flag)))
				try(refused, under(others))
			})
		})
	}
}

// A step is what a story does: a script of the operator and its answer, or
// something that happens outside.
type step struct {
	calls, want string
	outside     func(dir string) error
}

// tell starts fileops under grants (DIR is the scene) and goes through the steps.
func tell(t *testing.T, u user, flags []string, steps ...step) {
	t.Helper()
	dir := scene(t, u)
	write(t, u, dir+"/out/secret", "secret", 0o644)
	all := []string{sandrun, "--quiet"}
	for _, f := range flags {
		all = append(all, strings.ReplaceAll(f, "DIR", dir))
	}
	o := startOperator(t, command(u, dir, append(all, "--", fileops)...))
	defer o.stop()
	for i, s := range steps {
		if s.outside != nil {
			must(t, s.outside(dir))
			err := chownAll(u, dir)
			must(t, err)
			continue
		}
		answer, _ := o.ask(fmt.Sprintf("%d\t%s\t%s", i, dir, strings.ReplaceAll(s.calls, "DIR", dir)))
		if !answers(s.want, answer) {
			t.Errorf("%q: step %d: %s\n\t got %s\n\twant %s", flags, i, s.calls, answer, s.want)
		}
	}
}

// chownAll gives what a test has made to the user.
func chownAll(u user, dir string) error {
	if u.id == 0 {
		return nil
	}
	return walk(dir, func(path string) error { return os.Lchown(path, u.id, u.id) })
}

func walk(dir string, f func(path string) error) error {
	list, err := os.ReadDir(dir)
	for _, e := range list {
		path := dir + "/" + e.Name()
		if err := f(path); err != nil {
			return err
		}
		if e.IsDir() {
			if err := walk(path, f); err != nil {
				return err
			}
		}
	}
	return err
}

// replaced puts new content under a name by an atomic rename.
func replaced(name, content string) func(string) error {
	return func(dir string) error {
		if err := os.WriteFile(dir+"/tmp", []byte(content), 0o666); err != nil {
			return err
		}
		return os.Rename(dir+"/tmp", dir+"/"+name)
	}
}

func moved(from, to string) func(string) error {
	return func(dir string) error { return os.Rename(dir+"/"+from, dir+"/"+to) }
}

func linked(to, name string) func(string) error {
	return func(dir string) error {
		_ = os.Remove(dir + "/" + name)
		return os.Symlink(to, dir+"/"+name)
	}
}

// TestGrantOfANameSurvivesReplacement: a granted file stays granted when another
// file takes its name, by the hand of others and by the target's own.
func TestGrantOfANameSurvivesReplacement(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		const both = "open file O_RDONLY; read 3; open file O_WRONLY"
		for _, name := range []string{"DIR/file", "DIR/fi*", "glob:DIR/f?le"} {
			read, write := "--allow-fs-read="+name, "--allow-fs-write="+name
			tell(t, u, []string{read, write}, step{outside: replaced("file", "one")}, step{both, "3; one; 4", nil},
				step{outside: replaced("file", "two")}, step{both, "3; two; 4", nil}, step{outside: func(dir string) error { return os.Remove(dir + "/file") }},
				step{both, "ENOENT; EBADF; ENOENT", nil}, step{outside: replaced("file", "three")}, step{both, "3; three; 4", nil})
			tell(t, u, []string{read}, step{outside: replaced("file", "one")}, step{both, "3; one; EACCES", nil})
			tell(t, u, []string{write}, step{outside: replaced("file", "one")}, step{both, "EACCES; EBADF; 3", nil},
				step{"open file O_RDWR; openat2 AT_FDCWD file O_RDWR", "EACCES; EACCES", nil})
		}
		tell(t, u, []string{"--allow-fs-read=DIR/fi*"}, step{outside: replaced("file", "new")},
			step{"open %D/file O_RDONLY; open %D/./file O_RDONLY; open %D/out/../file O_RDONLY; open /%D//file O_RDONLY", "3; 4; 5; 6", nil})
		grants := []string{"--allow-fs-read=DIR/file,DIR/part", "--allow-fs-write=DIR/file,DIR/part"}
		tell(t, u, grants, step{"open part O_WRONLY|O_CREAT|O_EXCL 0644; write 3 mine; rename part file; open file O_RDONLY; read 4; open part O_RDONLY", "3; 4; 0; 4; mine; ENOENT", nil},
			step{"open part O_WRONLY|O_CREAT 0644; write 3 again; oldrename part file; open file O_RDONLY; read 4; open file O_WRONLY|O_TRUNC", "3; 5; 0; 4; again; 5", nil},
			step{"rename file other; link file other; rename out/secret file; link out/secret part", "EACCES/EXDEV; EACCES/EXDEV; EACCES/EXDEV; EACCES/EXDEV", nil})
	})
}

// TestGrantOfADirectoryByPrefixSurvivesReplacement: a directory that was there at the
// launch has a kernel rule as well, which goes away with it.
func TestGrantOfADirectoryByPrefixSurvivesReplacement(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		again := all(
			moved("out", "gone"),
			func(dir string) error { return os.Mkdir(dir+"/out", 0o700) },
			func(dir string) error { return os.WriteFile(dir+"/out/f", []byte("new"), 0o600) },
			func(dir string) error { return chownAll(u, dir) },
		)
		for _, name := range []string{"DIR/ou*", "glob:DIR/o*/**"} {
			tell(t, u, []string{"--allow-fs-read=" + name, "--allow-fs-write=" + name}, step{"open out/created O_WRONLY|O_CREAT 0644", "3", nil},
				step{outside: again}, step{"open out/f O_RDONLY; read 3; open out/g O_WRONLY|O_CREAT 0644; mkdir out/d 0755; openat2 AT_FDCWD out/f O_RDONLY", "3; new; 4; 0; 5", nil})
		}
		tell(t, u, []string{"--allow-fs-read=glob:DIR/*", "--allow-fs-write=glob:DIR/*"},
			step{"open DIR O_TMPFILE|O_RDWR 0600; write 3 new; openat2 AT_FDCWD DIR/ O_TMPFILE|O_RDWR 0600; open . O_TMPFILE|O_RDWR 0600", "3; 3; 4; 5", nil})
		// A grant of the directory itself stays with that directory.
		tell(t, u, []string{"--allow-fs-read=DIR/out"}, step{outside: again}, step{"open out/f O_RDONLY; open gone/secret O_RDONLY", "EACCES; 3", nil})
		tell(t, u, []string{"--allow-fs-write=DIR/out", "--allow-fs-read=DIR/other*"}, step{outside: again},
			step{"unlink out/f; mkdir out/d 0755; rename out/f out/g; mkdir gone/d 0755; rename gone/d gone/e", "EACCES; EACCES; EACCES/EXDEV; 0; EACCES/EXDEV", nil})
	})
}

// TestGrantOfANameStaysWithTheName: what is moved away from a granted name is not
// granted any more, and neither is what the name only points to.
func TestGrantOfANameStaysWithTheName(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		const away = "open other O_RDONLY; open other O_WRONLY; openat2 AT_FDCWD other O_RDONLY; truncate other 0"
		const refusals = "EACCES; EACCES; EACCES; EACCES"
		for _, name := range []string{"DIR/fi*", "glob:DIR/f?le", "DIR/filed*,DIR/file"} {
			grants := []string{"--allow-fs-read=" + name, "--allow-fs-write=" + name}
			tell(t, u, grants, step{outside: replaced("file", "new")}, step{"open file O_RDONLY", "3", nil}, step{outside: moved("file", "other")}, step{away, refusals, nil})
			tell(t, u, grants, step{outside: linked("out/secret", "file")}, step{"open file O_RDONLY; open file O_WRONLY; truncate file 0", "EACCES; EACCES; EACCES", nil},
				step{"open file O_WRONLY|O_CREAT 0644; openat2 AT_FDCWD file O_RDONLY; open file O_RDONLY|O_NOFOLLOW; linkat AT_FDCWD file AT_FDCWD file2 AT_SYMLINK_FOLLOW", "EACCES; EACCES; ELOOP; EACCES/EXDEV", nil})
			tell(t, u, grants, step{outside: linked("out/created", "file")}, step{"open file O_WRONLY|O_CREAT 0644; creat file 0644; mknod file S_IFREG 0", "EACCES; EACCES; EEXIST", nil})
		}
		// A directory on the way that becomes a link leads to other names.
		tell(t, u, []string{"--allow-fs-read=DIR/sub/secret", "--allow-fs-write=DIR/sub/secret,DIR/sub/new"}, step{outside: linked("out", "sub")},
			step{"open sub/secret O_RDONLY; open sub/secret O_WRONLY; open sub/new O_WRONLY|O_CREAT 0644; mkdir sub/new 0755; unlink sub/secret", "EACCES; EACCES; EACCES; EACCES; EACCES", nil})
		// A later directory, and what is moved out of it.
		tell(t, u, []string{"--allow-fs-read=DIR/a/b/", "--allow-fs-write=DIR/a/b/", "--no-create"}, step{"mkdir a 0755; mkdir a/b 0755; open a/b/f O_WRONLY|O_CREAT 0644", "EACCES; ENOENT; ENOENT", nil},
			step{outside: func(dir string) error { return os.Mkdir(dir+"/a", 0o755) }},
			step{"mkdir a/b 0755; open a/b/f O_RDWR|O_CREAT 0644; mkdir a/b/c 0755; rename a/b/f a/b/c/f; list a/b; list a", "0; 3; 0; 0; .,..,c; EACCES", nil},
			step{"rename a/b/c/f a/f; link a/b/c/f a/f; open a/f O_WRONLY|O_CREAT 0644; mkdir a/d 0755", "EACCES/EXDEV; EACCES/EXDEV; EACCES; EACCES", nil},
			step{outside: moved("a/b/c", "a/c")}, step{"open a/c/f O_RDONLY; open a/c/f O_WRONLY; list a/c", "EACCES; EACCES; EACCES", nil})
	})
}

// TestNamelessFiles: what was removed may be read by a descriptor that only names it
// as little as before.
func TestNamelessFiles(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		const file = "open out/secret O_PATH; unlink out/secret; open /proc/self/fd/3 O_RDONLY; openat2 AT_FDCWD /proc/self/fd/3 O_RDONLY"
		const dir = "mkdir out/d 0755; open out/d O_PATH; rmdir out/d; open /proc/self/fd/3 O_RDONLY; openat2 AT_FDCWD /proc/self/fd/3 O_RDONLY"
		grants := []string{"--allow-fs-write=DIR/out", "--allow-fs-read=DIR/fi*"}
		tell(t, u, grants, step{dir, "0; 3; 0; EACCES; EACCES", nil}, step{file, "3; 0; EACCES; EACCES", nil})
		tell(t, u, append(grants, "--allow-fs-read=DIR/ou*"), step{dir, "0; 3; 0; 4; 5", nil})
	})
}

// TestUnreadableCaller: of a process whose memory nobody may read it is not known
// what it asks for, so it gets nothing but what the kernel alone grants.
func TestUnreadableCaller(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		tell(t, u, []string{"--allow-fs-read=DIR/fi*", "--allow-fs-write=DIR/fi*,DIR/new"},
			step{outside: replaced("file", "of which no kernel rule knows")},
			step{"dumpable 0; open file O_RDONLY; openat2 AT_FDCWD file O_RDONLY; open new O_WRONLY|O_CREAT 0644; mkdir new 0755; unlink file; truncate file 0", "0; EACCES; EACCES/ENOSYS; EACCES; EACCES; EACCES; EACCES", nil},
			step{"open out/secret O_RDONLY; rename out/secret file; stat new; open /dev/null O_WRONLY", "EACCES; EACCES/EXDEV; ENOENT; 3", nil},
			step{"dumpable 1; open file O_RDONLY; open new O_WRONLY|O_CREAT 0644; unlink file", "0; 3; 4; 0", nil})
	})
}
