//go:build linux

package supervisor

import (
	"testing"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/closure"
	"sandrun/sandbox/listener"
)

func TestDescriptorOf(t *testing.T) {
	for name, want := range map[string]int32{
		"/proc/self/fd/0": 0, "/proc/self/fd/17": 17, "/proc/thread-self/fd/3": 3, "/dev/fd/999999": 999999,
		"/proc/self/fd/": -1, "/proc/self/fd/x": -1, "/proc/self/fd/1/x": -1, "/proc/self/fd/01": -1, "/proc/self/fd/-1": -1,
		"/proc/self/fd/+1": -1, "/proc/1/fd/3": -1, "/proc/self/fd/9999999": -1, "proc/self/fd/1": -1, "": -1,
	} {
		fd, ok := descriptorOf(name)
		if !ok {
			fd = -1
		}
		if fd != want {
			t.Errorf("descriptorOf(%q) = %d, want %d", name, fd, want)
		}
	}
}

func TestOwns(t *testing.T) {
	dirs := []closure.Own{{Path: "/usr/lib/x", Except: []string{"_ctypes*"}}}
	for name, want := range map[string]bool{
		"/usr/lib/x/a.so": true, "/usr/lib/x/d/a.so": true, "/usr/lib/x": false, "/usr/lib/xy/a.so": false,
		"/usr/lib/x/_ctypes.so": false, "/usr/lib/x/d/_ctypes_test.so": false, "/memfd:usr/lib/x (deleted)": false,
	} {
		if got := owns(dirs, name); got != want {
			t.Errorf("owns(%s) = %v", name, got)
		}
	}
}

// TestMetadataCalls: each says where its file is and what is done.
func TestMetadataCalls(t *testing.T) {
	known := 0
	for nr := range int32(1024) {
		c, ok := metadataCall(&listener.Notification{Nr: nr})
		if !ok {
			continue
		}
		known++
		if c.apply == nil || c.path < 0 && c.base < 0 {
			t.Errorf("call %d names no file or does nothing", nr)
		}
	}
	if known < 15 {
		t.Errorf("%d calls are known", known)
	}
}

func TestReadTimes(t *testing.T) {
	s := &server{Supervisor: New(Rules{})}
	if _, e := s.readTimes(uint32(unix.Getpid()), 8, nanoseconds); e != unix.EFAULT {
		t.Errorf("an unmapped address: %v", e)
	}
}
