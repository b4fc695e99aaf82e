//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// built grants everything that begins with DIR/build-, so that the supervisor opens.
var built = []string{"--allow-fs-read=DIR/build-*", "--allow-fs-write=DIR/build-*"}

// TestDevicesAreNotInjected: a descriptor that the supervisor opens would carry its
// rights, ioctl among them. Harmless devices of the closure are the kernel's business.
func TestDevicesAreNotInjected(t *testing.T) {
	terminal := slave(t)
	asEach(t, func(t *testing.T, u user, _ string) {
		must(t, os.Chmod(terminal, 0o666))
		const every = "open %s O_RDONLY|O_NONBLOCK; open %s O_WRONLY|O_NONBLOCK; open %s O_RDWR|O_NONBLOCK; openat2 AT_FDCWD %s O_RDWR|O_NONBLOCK; open %s O_WRONLY|O_CREAT|O_NONBLOCK 0644"
		all := func(name string) string { return strings.ReplaceAll(every, "%s", name) }
		const no, yes = "EACCES; EACCES; EACCES; EACCES; EACCES", "3; 4; 5; 6; 7"
		tell(t, u, built,
			step{outside: linked("/dev/null", "build-null")}, step{all("build-null"), yes, nil}, step{all("/dev/null"), yes, nil},
			step{outside: linked("/dev/zero", "build-zero")}, step{all("build-zero"), yes, nil},
			step{outside: linked(terminal, "build-tty")}, step{all("build-tty"), no, nil},
			step{outside: linked(blockDevice(t), "build-block")}, step{all("build-block"), no, nil},
			step{outside: linked("/dev/ptmx", "build-ptmx")}, step{all("build-ptmx"), no, nil},
			step{outside: linked("/dev/full", "build-full")}, step{"open build-full O_WRONLY; write 3 x", "3; ENOSPC", nil})
		if os.Geteuid() != 0 {
			return
		}
		// Nodes in the granted place itself. The supervisor may hand out those that
		// every program has anyway, and does so for openat2.
		node := func(name string, mode, device uint32) func(string) error {
			return func(dir string) error {
				if err := unix.Mknod(dir+"/"+name, mode, int(device)); err != nil {
					return err
				}
				return os.Chmod(dir+"/"+name, 0o666)
			}
		}
		tell(t, u, built, step{outside: node("build-node", unix.S_IFCHR|0o666, device(t, terminal))}, step{all("build-node"), no, nil},
			step{outside: node("build-block", unix.S_IFBLK|0o666, device(t, blockDevice(t)))}, step{all("build-block"), no, nil},
			step{outside: node("build-null", unix.S_IFCHR|0o666, 0x103)}, step{all("build-null"), strings.Replace(no, "EACCES; EACCES; EACCES; EACCES", "EACCES; EACCES; EACCES; EACCES/3", 1), nil},
			step{"open build-node O_PATH; openat 3 @empty O_RDONLY; truncate build-node 0", "3; ENOENT; EINVAL/EACCES", nil})
	})
}

// device is the number of a device node.
func device(t *testing.T, path string) uint32 {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Stat(path, &st))
	return uint32(st.Rdev)
}

// slave opens a terminal and returns the path of its other end.
func slave(t *testing.T) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { master.Close() })
	must(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	must(t, err)
	return fmt.Sprintf("/dev/pts/%d", n)
}

// TestSocketsAreNotInjected: a socket file cannot be opened, and nothing else is made of it.
func TestSocketsAreNotInjected(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		tell(t, u, built, step{"mknod build-s S_IFSOCK|0666 0; open build-s O_RDWR; openat2 AT_FDCWD build-s O_RDONLY; open build-s O_PATH", "0; ENXIO; ENXIO; 3", nil})
	})
}

// TestLaterFilesAreNotExecuted: an exec cannot be done on behalf, and a descriptor
// that the supervisor opened must not become one.
func TestLaterFilesAreNotExecuted(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		program := func(dir string) error {
			data, err := os.ReadFile(probeSolo)
			if err == nil {
				err = os.WriteFile(dir+"/build-x", data, 0o600)
			}
			if err == nil {
				err = os.Chmod(dir+"/build-x", 0o755)
			}
			return err
		}
		flags := append([]string{"--allow-child-process", "--allow-addons", "--allow-worker"}, built...)
		tell(t, u, flags, step{outside: program},
			step{"exec build-x; exec ./build-x; exec %D/build-x", "EACCES; EACCES; EACCES", nil},
			step{"open build-x O_RDONLY; execveat 3 @empty AT_EMPTY_PATH; exec /proc/self/fd/3; exec /dev/fd/3", "3; EACCES; EACCES; EACCES", nil},
			step{"open build-x O_PATH; execveat 3 @empty AT_EMPTY_PATH; execveat AT_FDCWD build-x 0", "3; EACCES; EACCES", nil},
			step{"open build-x O_RDONLY|O_CLOEXEC; execveat 3 @empty AT_EMPTY_PATH", "3; EACCES", nil})
	})
}

// TestMappingOfLaterFiles: a dynamic file is data. To map it as code takes addon.
func TestMappingOfLaterFiles(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		const calls = "open build-new O_RDWR; mmap 3 PROT_READ|PROT_WRITE; mmap 3 PROT_READ|PROT_EXEC"
		fresh := step{outside: replaced("build-new", strings.Repeat("x", 4096))}
		tell(t, u, built, fresh, step{calls, "3; 0; EACCES", nil})
		tell(t, u, append([]string{"--allow-addons"}, built...), fresh, step{calls, "3; 0; 0", nil})
		tell(t, u, append([]string{"--allow-addons=DIR/build-*"}, built...), fresh, step{calls, "3; 0; 0", nil})
		tell(t, u, append([]string{"--allow-addons=DIR/other-*"}, built...), fresh, step{calls, "3; 0; EACCES", nil})
	})
}
