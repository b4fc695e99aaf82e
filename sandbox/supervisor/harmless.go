package supervisor

import (
	"path"
	"strings"
)

// A Probe is something that common programs try and do well without. It fails
// quietly: it is no record, and it does not count under onerror exit.
type Probe struct {
	// Path is a file, by path or path.Match; with a slash at its end, a directory and
	// everything below it; without one at its beginning, a directory of that name
	// anywhere.
	Path string
	List bool // only the listing of the directory
	// Exe is the program that looks, by its path or by path.Match of its name; ""
	// for any.
	Exe string
	// Write: opening it for writing is no more than looking either.
	Write bool
	Why   string
}

// Probes are the harmless probes. Everything else that is denied is told of.
var Probes = []Probe{
	{Path: "/proc/filesystems", Why: "libselinux looks for its file system"},
	{Path: "/proc/mounts", Why: "libselinux and df look for file systems"},
	{Path: "/proc/self/mounts", Why: "the same, by its other name"},
	{Path: "/proc/self/mountinfo", Why: "runtimes look for their control group"},
	{Path: "/proc/self/cgroup", Why: "runtimes look for their control group"},
	{Path: "/proc/self/maps", Why: "the C library looks for the bounds of the stack"},
	{Path: "/proc/self/stat", Why: "runtimes look for their start time and size"},
	{Path: "/proc/self/status", Why: "runtimes count processors and threads"},
	{Path: "/proc/self/task/", Why: "runtimes count their threads"},
	{Path: "/proc/self/fd", Why: "tar and others look whether descriptors have names"},
	{Path: "/proc/self/auxv", Why: "libraries look for features of the processor"},
	{Path: "/proc/cgroups", Why: "the Java virtual machine looks for its control group"},
	{Path: "/proc/self/coredump_filter", Write: true, Why: "the Java virtual machine sets what it dumps"},
	{Path: "/proc/self/oom_score_adj", Write: true, Why: "services look for their priority"},
	{Path: "/proc/cpuinfo", Why: "libraries look for features of the processor"},
	{Path: "/proc/meminfo", Why: "runtimes size their caches"},
	{Path: "/proc/stat", Why: "runtimes count processors"},
	{Path: "/proc/loadavg", Why: "make and runtimes look at the load"},
	{Path: "/proc/version", Why: "programs look for the kernel's version"},
	{Path: "/proc/sys/kernel/", Why: "programs look for limits of the kernel"},
	{Path: "/proc/sys/vm/", Why: "allocators look for overcommitment"},
	{Path: "/proc/sys/net/", Why: "runtimes look for limits of the kernel"},
	{Path: "/sys/devices/system/", Why: "runtimes count processors and memory nodes"},
	{Path: "/sys/kernel/mm/transparent_hugepage/", Why: "allocators look for huge pages"},
	{Path: "/sys/fs/cgroup/", Why: "runtimes look for limits of their control group"},
	{Path: "/sys/fs/selinux/", Why: "libselinux looks for its file system"},
	{Path: "/usr/share/locale/", Why: "the C library looks for translations"},
	{Path: "/etc/ld.so.preload", Why: "the loader looks for libraries to preload"},
	{Path: "/etc/selinux/", Why: "libselinux looks for its configuration"},
	{Path: "/etc/passwd", Exe: "bash", Why: "bash looks for its user's name and shell"},
	{Path: "/etc/passwd", Exe: "java*", Why: "the Java virtual machine looks for its user's name"},
	{Path: "/proc/self/fd/", List: true, Why: "gnulib looks whether directories can be reached by their descriptors"},
	{Path: "/proc/self/net/if_inet6", Why: "runtimes look whether there is IPv6"},
	{Path: "/etc/xattr.conf", Why: "libattr looks for attributes that are not to be copied"},
	{Path: "__pycache__/", Exe: "python*", Write: true, Why: "python keeps what it has compiled"},
	{Path: "/etc/inputrc", Why: "readline looks for key bindings"},
	{Path: "/dev/tty", Write: true, Why: "shells look for a terminal to control"},
	{Path: "/usr/lib/*/libnss_*.so.2", Why: "the C library does without a name service"},
	{Path: "/usr/lib64/libnss_*.so.2", Why: "the C library does without a name service"},
}

// matches tells whether a probe is about a path.
func (p *Probe) matches(name string, list bool, exe func() string) bool {
	return p.names(name, list) && (p.Exe == "" || p.looks(exe()))
}

// names tells whether a probe is about a path, whoever looks.
func (p *Probe) names(name string, list bool) bool {
	if p.List {
		return list && name == strings.TrimSuffix(p.Path, "/")
	}
	if dir, ok := strings.CutSuffix(p.Path, "/"); ok {
		return name == dir || strings.HasPrefix(name, p.Path) || dir[0] != '/' && strings.Contains(name+"/", "/"+p.Path)
	}
	if strings.Contains(p.Path, "*") {
		ok, err := path.Match(p.Path, name)
		return ok && err == nil
	}
	return name == p.Path
}

// looks tells whether a program is the one of a probe.
func (p *Probe) looks(exe string) bool {
	ok, err := path.Match(p.Exe, path.Base(exe))
	return exe == p.Exe || ok && err == nil
}

// isProbe tells whether an open for what is missing, or a mapping (Read), is a
// harmless probe.
func isProbe(probes []Probe, name string, list bool, missing Rights, exe func() string) bool {
	for i := range probes {
		if (missing == Read || probes[i].Write) && probes[i].matches(name, list, exe) {
			return true
		}
	}
	return false
}
