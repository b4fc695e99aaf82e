package sandbox

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A Mount is one mount point of this process's mount namespace.
type Mount struct {
	Path string // absolute
	Type string // the file system's name, as in "ext4"
}

// kernelTypes are the file systems through which the kernel is steered. No
// pattern above them ever includes writing them: root without a single
// capability still owns /proc/sys/kernel/core_pattern, which is an escape.
var kernelTypes = [...]string{
	"proc", "sysfs", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs",
	"configfs", "efivarfs", "bpf", "devtmpfs",
}

func (m Mount) isKernel() bool {
	// Containers mount a tmpfs with device nodes on /dev.
	if m.Path == "/dev" {
		return true
	}
	for _, t := range kernelTypes {
		if m.Type == t {
			return true
		}
	}
	return false
}

// Mounts is the mount table, in the order of mounting.
type Mounts []Mount

// readMounts reads the mount table of this process.
func readMounts() (Mounts, error) {
	const name = "/proc/self/mountinfo"
	// Package os would set up its poller for this one file.
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer unix.Close(fd)
	data := make([]byte, 0, 16<<10)
	for {
		n, err := unix.Read(fd, data[len(data):cap(data)])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if n == 0 {
			return parseMounts(data)
		}
		data = slices.Grow(data[:len(data)+n], 4<<10)
	}
}

// parseMounts reads the format of proc_pid_mountinfo(5).
func parseMounts(data []byte) (Mounts, error) {
	var mounts Mounts
	for line := range bytes.Lines(data) {
		before, after, ok := bytes.Cut(line, []byte(" - "))
		fields := bytes.Fields(before)
		tail := bytes.Fields(after)
		if !ok || len(fields) < 6 || len(tail) < 1 {
			return nil, fmt.Errorf("mountinfo: cannot read the line %q", line)
		}
		mounts = append(mounts, Mount{Path: unescapeMount(string(fields[4])), Type: string(tail[0])})
	}
	return mounts, nil
}

// unescapeMount undoes the octal escapes of space, tab, newline and backslash.
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// of finds the mount that holds a path: the last one mounted on the longest
// prefix.
func (ms Mounts) of(p string) Mount {
	var found Mount
	for _, m := range ms {
		if below(p, m.Path) && len(m.Path) >= len(found.Path) {
			found = m
		}
	}
	return found
}

// kernelBelow lists the mounts of kernel file systems strictly below a path.
// /dev counts whether something is mounted on it or not.
func (ms Mounts) kernelBelow(p string) []string {
	var found []string
	if p == "/" {
		found = append(found, "/dev")
	}
	for _, m := range ms {
		if m.isKernel() && m.Path != p && below(m.Path, p) {
			found = append(found, m.Path)
		}
	}
	return found
}

// isKernel tells whether a path lies in a kernel file system, or in something that is
// mounted inside one: /sys/fs/cgroup is a tmpfs here and there, and binfmt_misc has a
// type of its own. Only a tmpfs below /dev, such as /dev/shm, is like any other.
func (ms Mounts) isKernel(p string) bool {
	innermost := ms.of(p)
	if innermost.Type == "tmpfs" && innermost.Path != "/dev" && below(innermost.Path, "/dev") {
		return false
	}
	if below(p, "/dev") {
		return true
	}
	for _, m := range ms {
		if m.isKernel() && below(p, m.Path) {
			return true
		}
	}
	return false
}

// isProc tells whether a path lies strictly below a mount of proc. Such inodes
// are remade by procfs at will, so a kernel rule on one is not held.
func (ms Mounts) isProc(p string) bool {
	m := ms.of(p)
	return m.Type == "proc" && m.Path != p
}

// below tells whether p is dir or lies below it; both are absolute and clean.
func below(p, dir string) bool {
	if dir == "/" {
		return path.IsAbs(p)
	}
	return strings.HasPrefix(p, dir) && (len(p) == len(dir) || p[len(dir)] == '/')
}
