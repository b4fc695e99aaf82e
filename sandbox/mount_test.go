//go:build linux

package sandbox

import (
	"slices"
	"testing"
)

const mountinfo = `22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw
23 27 0:22 / /sys rw,relatime - sysfs sysfs rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
40 27 0:40 / /srv/a\040b rw - proc proc rw
41 27 0:41 / /data rw - ext4 /dev/vdb rw
`

func TestMounts(t *testing.T) {
	ms, err := parseMounts([]byte(mountinfo))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Mount{
		"/":                  {"/", "ext4"},
		"/database":          {"/", "ext4"},
		"/data":              {"/data", "ext4"},
		"/data/x":            {"/data", "ext4"},
		"/proc/1/environ":    {"/proc", "proc"},
		"/sys/fs/cgroup/x":   {"/sys/fs/cgroup", "tmpfs"},
		"/srv/a b/sys":       {"/srv/a b", "proc"},
		"/sys/fs/cgroup/cpu": {"/sys/fs/cgroup/cpu", "cgroup"},
	} {
		if got := ms.of(path); got != want {
			t.Errorf("of(%s) = %v, want %v", path, got, want)
		}
	}
	if got, want := ms.kernelBelow("/"), []string{"/dev", "/proc", "/sys", "/sys/fs/cgroup/cpu", "/srv/a b"}; !slices.Equal(got, want) {
		t.Errorf("kernelBelow(/) = %q, want %q", got, want)
	}
	if got, want := ms.kernelBelow("/srv"), []string{"/srv/a b"}; !slices.Equal(got, want) {
		t.Errorf("kernelBelow(/srv) = %q, want %q", got, want)
	}
	for path, want := range map[string]bool{"/proc": false, "/proc/self": true, "/srv/a b/1": true, "/data/proc": false} {
		if got := ms.isProc(path); got != want {
			t.Errorf("isProc(%s) = %v", path, got)
		}
	}
	for path, want := range map[string]bool{
		"/": false, "/data": false, "/dev": true, "/dev/null": true, "/devices": false, "/proc/sys": true, "/sys/x": true,
		"/sys/fs/cgroup/x": true, "/srv/a b/x": true, "/dev/shm": true, // nothing is mounted there
	} {
		if got := ms.isKernel(path); got != want {
			t.Errorf("isKernel(%s) = %v", path, got)
		}
	}
	ms = append(ms, Mount{"/dev", "tmpfs"}, Mount{"/dev/shm", "tmpfs"}, Mount{"/proc/sys/fs/binfmt_misc", "binfmt_misc"})
	for path, want := range map[string]bool{"/dev/shm/x": false, "/dev/shm": false, "/dev/x": true, "/proc/sys/fs/binfmt_misc/register": true} {
		if got := ms.isKernel(path); got != want {
			t.Errorf("isKernel(%s) = %v", path, got)
		}
	}
	if _, err := parseMounts([]byte("nonsense\n")); err == nil {
		t.Error("a line that is no mount was accepted")
	}
}
