package supervisor

import (
	"path"
	"strings"
)

// A Probe is something that common programs try and do well without. It fails
// quietly: it is no record, and it does not count under onerror exit.
type Probe struct {
	Path string // a file, by path or path.Match; with a slash at its end, a directory and everything below it
	List bool   // only the listing of the directory
	Why  string
}

// Probes are the harmless probes. Everything else that is denied is told of.
var Probes = []Probe{
	{"/proc/filesystems", false, "libselinux looks for its file system"},
	{"/proc/mounts", false, "libselinux and df look for file systems"},
	{"/proc/self/mounts", false, "the same, by its other name"},
	{"/proc/self/mountinfo", false, "runtimes look for their control group"},
	{"/proc/self/cgroup", false, "runtimes look for their control group"},
	{"/proc/self/maps", false, "the C library looks for the bounds of the stack"},
	{"/proc/self/stat", false, "runtimes look for their start time and size"},
	{"/proc/self/status", false, "runtimes count processors and threads"},
	{"/proc/self/task/", false, "runtimes count their threads"},
	{"/proc/self/auxv", false, "libraries look for features of the processor"},
	{"/proc/self/coredump_filter", false, "the Java virtual machine sets what it dumps"},
	{"/proc/self/oom_score_adj", false, "services look for their priority"},
	{"/proc/cpuinfo", false, "libraries look for features of the processor"},
	{"/proc/meminfo", false, "runtimes size their caches"},
	{"/proc/stat", false, "runtimes count processors"},
	{"/proc/loadavg", false, "make and runtimes look at the load"},
	{"/proc/version", false, "programs look for the kernel's version"},
	{"/proc/sys/kernel/", false, "programs look for limits of the kernel"},
	{"/proc/sys/vm/", false, "allocators look for overcommitment"},
	{"/proc/sys/net/", false, "runtimes look for limits of the kernel"},
	{"/sys/devices/system/", false, "runtimes count processors and memory nodes"},
	{"/sys/kernel/mm/transparent_hugepage/", false, "allocators look for huge pages"},
	{"/sys/fs/cgroup/", false, "runtimes look for limits of their control group"},
	{"/sys/fs/selinux/", false, "libselinux looks for its file system"},
	{"/usr/share/locale/", false, "the C library looks for translations"},
	{"/etc/ld.so.preload", false, "the loader looks for libraries to preload"},
	{"/etc/selinux/", false, "libselinux looks for its configuration"},
	{"/etc/inputrc", false, "readline looks for key bindings"},
	{"/dev/tty", false, "shells look for a terminal to control"},
	{"/usr/lib/*/libnss_*.so.2", false, "the C library does without a name service"},
	{"/usr/lib64/libnss_*.so.2", false, "the C library does without a name service"},
}

// matches tells whether a probe is about a path.
func (p *Probe) matches(name string, list bool) bool {
	if p.List {
		return list && name == strings.TrimSuffix(p.Path, "/")
	}
	if dir, ok := strings.CutSuffix(p.Path, "/"); ok {
		return name == dir || strings.HasPrefix(name, p.Path)
	}
	if strings.Contains(p.Path, "*") {
		ok, err := path.Match(p.Path, name)
		return ok && err == nil
	}
	return name == p.Path
}

// isProbe tells whether an open for reading, or a mapping, is a harmless probe.
func isProbe(probes []Probe, name string, list bool) bool {
	for i := range probes {
		if probes[i].matches(name, list) {
			return true
		}
	}
	return false
}
