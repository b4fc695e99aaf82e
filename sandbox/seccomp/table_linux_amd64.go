package seccomp

import "golang.org/x/sys/unix"

// native holds the calls that only this architecture has. Most are the older
// spelling of a call in shared, and are treated like it.
var native = []Group{
	{"@io", "read, write and steer what is already open", []Row{
		{"dup2", unix.SYS_DUP2, Pass, "", nil},
		{"pipe", unix.SYS_PIPE, Pass, "", nil},
	}},
	{"@file", "reach files by name; Landlock decides which", []Row{
		{"stat", unix.SYS_STAT, Pass, "", nil},
		{"lstat", unix.SYS_LSTAT, Pass, "", nil},
		{"access", unix.SYS_ACCESS, Pass, "", nil},
		{"readlink", unix.SYS_READLINK, Pass, "", nil},
		{"getdents", unix.SYS_GETDENTS, Pass, "", nil},
		{"mkdir", unix.SYS_MKDIR, askChange, "served for names that no kernel rule can hold", nil},
		{"rmdir", unix.SYS_RMDIR, askChange, "served for names that no kernel rule can hold", nil},
		{"unlink", unix.SYS_UNLINK, askChange, "served for names that no kernel rule can hold", nil},
		{"link", unix.SYS_LINK, askChange, "served for names that no kernel rule can hold", nil},
		{"symlink", unix.SYS_SYMLINK, askChange, "served for names that no kernel rule can hold", nil},
		{"rename", unix.SYS_RENAME, askChange, "served for names that no kernel rule can hold", nil},
		{"open", unix.SYS_OPEN, askRead, "a created file gets no setuid or setgid bit; no access mode that Landlock does not judge", openCases},
		{"creat", unix.SYS_CREAT, askWrite, "a created file gets no setuid or setgid bit", creatCases},
		{"mknod", unix.SYS_MKNOD, askChange, "no device nodes, no setuid or setgid bit", mknodCases},
	}},
	{"@metadata", "change mode, owner, times and attributes, for which Landlock has no right", []Row{
		{"chmod", unix.SYS_CHMOD, askMetadata, "changes the mode; never a setuid or setgid bit", chmodCases},
		{"chown", unix.SYS_CHOWN, askMetadata, "changes the owner", nil},
		{"lchown", unix.SYS_LCHOWN, askMetadata, "changes the owner", nil},
		{"utime", unix.SYS_UTIME, askMetadata, "changes times", nil},
		{"utimes", unix.SYS_UTIMES, askMetadata, "changes times", nil},
		{"futimesat", unix.SYS_FUTIMESAT, askMetadata, "changes times", nil},
	}},
	{"@event", "wait for descriptors, and watch them", []Row{
		{"poll", unix.SYS_POLL, Pass, "", nil},
		{"select", unix.SYS_SELECT, Pass, "", nil},
		{"epoll_create", unix.SYS_EPOLL_CREATE, Pass, "", nil},
		{"epoll_wait", unix.SYS_EPOLL_WAIT, Pass, "", nil},
		{"eventfd", unix.SYS_EVENTFD, Pass, "", nil},
		{"signalfd", unix.SYS_SIGNALFD, Pass, "", nil},
		{"inotify_init", unix.SYS_INOTIFY_INIT, Pass, "", nil},
	}},
	{"@process", "start, end and await processes and threads", []Row{
		{"pause", unix.SYS_PAUSE, Pass, "", nil},
		{"getpgrp", unix.SYS_GETPGRP, Pass, "", nil},
		{"fork", unix.SYS_FORK, askChild, "starts a process", nil},
		{"vfork", unix.SYS_VFORK, askChild, "starts a process", nil},
	}},
	{"@time", "read clocks, sleep and arm timers", []Row{
		{"time", unix.SYS_TIME, Pass, "", nil},
		{"alarm", unix.SYS_ALARM, Pass, "", nil},
	}},
	{"@arch", "what only this processor has", []Row{
		{"arch_prctl", unix.SYS_ARCH_PRCTL, einval, "an allow list of codes; the answer is that of a kernel which does not know them", archPrctlCases},
		{"uprobe", unix.SYS_UPROBE, Pass, "the trampolines of a tracer outside, whose kernel code ignores every other caller; refusing them would crash the traced program", nil},
		{"uretprobe", unix.SYS_URETPROBE, Pass, "the trampolines of a tracer outside, whose kernel code ignores every other caller; refusing them would crash the traced program", nil},
		{"modify_ldt", unix.SYS_MODIFY_LDT, eperm, "segments for 16-bit code, a source of kernel bugs", nil},
		{"iopl", unix.SYS_IOPL, eperm, "reaches devices past the kernel", nil},
		{"ioperm", unix.SYS_IOPERM, eperm, "reaches devices past the kernel", nil},
		{"set_thread_area", unix.SYS_SET_THREAD_AREA, enosys, "for 32-bit programs only", nil},
		{"get_thread_area", unix.SYS_GET_THREAD_AREA, enosys, "for 32-bit programs only", nil},
	}},
	{"@obsolete", "calls that the kernel has dropped", []Row{
		{"uselib", unix.SYS_USELIB, enosys, "loads a.out libraries", nil},
		{"ustat", unix.SYS_USTAT, enosys, "replaced by statfs and /proc/filesystems", nil},
		{"sysfs", unix.SYS_SYSFS, enosys, "replaced by statfs and /proc/filesystems", nil},
		{"_sysctl", unix.SYS__SYSCTL, enosys, "gone since Linux 5.5", nil},
		{"create_module", unix.SYS_CREATE_MODULE, enosys, "gone since Linux 2.6", nil},
		{"get_kernel_syms", unix.SYS_GET_KERNEL_SYMS, enosys, "gone since Linux 2.6", nil},
		{"query_module", unix.SYS_QUERY_MODULE, enosys, "gone since Linux 2.6", nil},
		{"epoll_ctl_old", unix.SYS_EPOLL_CTL_OLD, enosys, "never implemented", nil},
		{"epoll_wait_old", unix.SYS_EPOLL_WAIT_OLD, enosys, "never implemented", nil},
		{"getpmsg", unix.SYS_GETPMSG, enosys, "never implemented", nil},
		{"putpmsg", unix.SYS_PUTPMSG, enosys, "never implemented", nil},
		{"afs_syscall", unix.SYS_AFS_SYSCALL, enosys, "never implemented", nil},
		{"tuxcall", unix.SYS_TUXCALL, enosys, "never implemented", nil},
		{"security", unix.SYS_SECURITY, enosys, "never implemented", nil},
		{"vserver", unix.SYS_VSERVER, enosys, "never implemented", nil},
	}},
}
