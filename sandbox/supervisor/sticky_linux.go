package supervisor

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// protectedLinks tells whether the kernel keeps processes from following the links that
// others put into shared directories such as /tmp (proc_sys_fs(5)). The links at the end
// of a path are followed here and not by the kernel.
func protectedLinks() bool {
	protected.Do(func() {
		b, err := os.ReadFile("/proc/sys/fs/protected_symlinks")
		protected.yes = err != nil || len(b) == 0 || b[0] != '0'
	})
	return protected.yes
}

// protected is what protectedLinks found.
var protected struct {
	sync.Once
	yes bool
}

// mayFollow tells whether the kernel would follow the link at a place: may_follow_link
// of fs/namei.c.
func mayFollow(p *place) bool {
	const shared = unix.S_ISVTX | unix.S_IWOTH
	var dir unix.Stat_t
	if unix.Fstat(p.dir, &dir) != nil {
		return false
	}
	return dir.Mode&shared != shared || p.stat.Uid == uint32(os.Geteuid()) || p.stat.Uid == dir.Uid || !protectedLinks()
}
