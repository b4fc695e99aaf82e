//go:build linux

package main

// hostileRows have arguments that no honest program has.
var hostileRows = []row{
	{"open @null O_RDONLY; open @unmapped O_RDONLY; open @kernel O_RDONLY; open @empty O_RDONLY; open @huge O_RDONLY", ""},
	{"open @null O_WRONLY|O_CREAT 0644; open @unmapped O_WRONLY|O_CREAT 0644; open @empty O_WRONLY|O_CREAT 0644; open @huge O_WRONLY|O_CREAT 0644", ""},
	{"open @end:f O_RDONLY; read 3; open @end:new O_WRONLY|O_CREAT 0644; open @cut:f O_RDONLY; open @cut:new2 O_WRONLY|O_CREAT 0644; open @end:%D/f O_RDWR", ""},
	{"openat AT_FDCWD @null O_RDONLY; openat 99 @null O_RDONLY; openat 99 @huge O_RDONLY; openat 99 @empty O_RDONLY; openat AT_FDCWD @cut:f O_RDONLY", ""},
	{"openat2 AT_FDCWD @null O_RDONLY; openat2 AT_FDCWD @unmapped O_RDONLY; openat2 AT_FDCWD @empty O_RDONLY; openat2 AT_FDCWD @huge O_RDONLY; openat2 AT_FDCWD @cut:f O_RDONLY; openat2 AT_FDCWD @end:f O_RDONLY", ""},
	{"creat @null 0644; creat @unmapped 0644; creat @empty 0644; creat @huge 0644; creat @cut:new 0644; creat @end:new 0644", ""},
	{"mkdir @null 0755; mkdir @unmapped 0755; mkdir @huge 0755; mkdir @cut:new 0755; mkdir @end:new 0755; rmdir @null; rmdir @kernel; rmdir @cut:nd; rmdir @end:nd", ""},
	{"unlink @null; unlink @unmapped; unlink @huge; unlink @cut:f; unlink @end:f; unlinkat 99 @null 0; unlinkat AT_FDCWD @null 0x1", ""},
	{"rename @null new; rename f @null; rename @unmapped @unmapped; rename f @kernel; rename @huge new; rename f @huge; rename @cut:f new; rename @end:f new", ""},
	{"renameat2 99 @null 98 @null 0xff; renameat2 99 @null AT_FDCWD new 0; renameat2 AT_FDCWD f 99 @null 0", "EPERM; EFAULT; EFAULT"},
	{"link @null new; link f @null; link @huge new; link f @huge; link @cut:f new; link @end:f new; linkat 99 @null 98 @null 0xff", ""},
	{"symlink @null new; symlink x @null; symlink @huge new; symlink x @huge; symlink @cut:x new; symlink @end:x new; symlink @unmapped @unmapped", ""},
	{"mknod @null S_IFIFO 0; mknod @huge S_IFIFO 0; mknod @cut:new S_IFIFO 0; mknod @end:new S_IFIFO|0644 0; mknod @null 0170000 0", ""},
	{"truncate @null 0; truncate @unmapped 0; truncate @huge 0; truncate @cut:f 0; truncate @end:f 1; truncate @null -1; truncate @kernel 0", ""},

	{"open @name:255 O_WRONLY|O_CREAT 0644; open @name:256 O_WRONLY|O_CREAT 0644; open @name:255 O_RDONLY; open @name:256 O_RDONLY; open @name:4095 O_RDONLY", ""},
	{"mkdir @name:255 0755; mkdir @name:256 0755; rename @name:255 @name:256; unlink @name:256; rmdir @name:255; link f @name:256; symlink x @name:256; mknod @name:256 S_IFIFO 0", ""},
	{"open @path:4095 O_RDONLY; open @path:4096 O_RDONLY; open @path:4097 O_RDONLY; open @path:4094 O_WRONLY; open @path:4096 O_WRONLY|O_CREAT 0644", ""},
	{"openat2 AT_FDCWD @path:4095 O_RDONLY; openat2 AT_FDCWD @path:4096 O_RDONLY; truncate @path:4095 1; truncate @path:4096 0; unlink @path:4096; unlink @path:4095", ""},
	{"rename @path:4095 new; rename new @path:4096; link new @path:4095; mkdir @path:4096 0755; symlink @path:4095 new2; open new2 O_RDONLY", ""},
}

// ownerRows are about permissions of the kernel's own, which sandrun must neither
// widen nor narrow.
var ownerRows = []row{
	{"open theirs O_RDONLY; open theirs O_WRONLY; open shared O_WRONLY; write 4 x; truncate theirs 0; truncate shared 2", ""},
	{"open theirsd/f O_WRONLY; open theirsd/new O_WRONLY|O_CREAT 0644; mkdir theirsd/new 0755; unlink theirsd/f; rename theirsd/f f; link theirsd/f new", ""},
	{"unlink theirs; rename shared new; link theirs new2; link shared new3; linkat AT_FDCWD theirs AT_FDCWD new4 0", ""},
	{"open sticky/theirs O_WRONLY; unlink sticky/theirs; rename sticky/theirs new; rename f sticky/theirs; unlink sticky/mine; open sticky/new O_WRONLY|O_CREAT 0644", ""},
	{"open sticky/theirs O_WRONLY|O_CREAT 0644; open sticky/theirs O_WRONLY|O_CREAT|O_EXCL 0644; open sticky/mine O_WRONLY|O_CREAT 0644; rename sticky/mine sticky/theirs", ""},
	{"mkdir sgid/new 0755; open sgid/new2 O_WRONLY|O_CREAT 0664; mknod sgid/new3 S_IFIFO|0644 0; symlink x sgid/new4; mkdir sgid/new/sub 0777; stat sgid/new", ""},
	{"umask 0; open sgid O_TMPFILE|O_RDWR 0660; fstat 3; open sgid/x O_WRONLY|O_CREAT 0777; fstat 4", ""},
	{"open closed/f O_RDONLY; open closed O_RDONLY; open closed O_PATH; openat 3 f O_RDONLY; stat closed/f; open closed/new O_WRONLY|O_CREAT 0644; openat2 AT_FDCWD closed/f O_RDONLY", ""},
	{"open none O_RDWR; open none O_RDONLY|O_CREAT 0666; open none O_WRONLY|O_TRUNC; open wo O_WRONLY|O_TRUNC; open ro O_RDONLY|O_CREAT 0644", ""},
	{"open theirs O_RDONLY|O_NOATIME; open f O_RDONLY|O_NOATIME", ""},
	{"mknod new S_IFCHR|0666 0x103; mknod new S_IFBLK|0666 0xfe00; mknodat AT_FDCWD new S_IFCHR|0666 0x105", ""},
	{"mknod new S_IFCHR|0666 0", "EPERM/EACCES"}, // a whiteout: the kernel wants no capability, but it is a device node
	{"exec none; exec f; exec missing; exec d", ""},
}

// procRows are about the caller's own process, and about other files below /proc.
var procRows = []row{
	{"open /proc/self/stat O_RDONLY; readpid 3; open /proc/self/status O_RDONLY; readpid 4 Pid:; open /proc/thread-self/stat O_RDONLY; readpid 5", ""},
	{"open /proc/self/comm O_RDONLY; read 3; open /proc/thread-self/comm O_RDONLY; read 4; open /proc/self/task/%T/comm O_RDONLY; read 5; open /proc/%P/comm O_RDONLY; read 6", ""},
	{"open /proc/%P/status O_RDONLY; readpid 3 Pid:; open /proc/%P/task/%T/status O_RDONLY; readpid 4 Pid:; openat2 AT_FDCWD /proc/self/status O_RDONLY; readpid 5 Tgid:", ""},
	{"open /proc/self O_RDONLY|O_DIRECTORY; openat 3 stat O_RDONLY; readpid 4; openat 3 ../self/comm O_RDONLY; read 5; open /proc/self O_PATH|O_NOFOLLOW; fstat 6", ""},
	{"chdir /proc/self; open stat O_RDONLY; readpid 3; open task/%T/stat O_RDONLY; readpid 4; open ../self/stat O_RDONLY; readpid 5", ""},
	{"open f O_RDWR; open /proc/self/fd/3 O_RDONLY; read 4; open /proc/self/fd/3 O_WRONLY|O_TRUNC; fstat 3; open /dev/fd/3 O_RDWR; write 6 x; read 3", ""},
	{"open f O_RDONLY; open /dev/fd/3 O_RDONLY; read 4; open /proc/thread-self/fd/3 O_RDONLY; read 5; open /proc/%P/fd/3 O_RDONLY; read 6; where 6", ""},
	{"list /proc/self/fd; list /dev/fd; list /proc/thread-self/fd; list /proc/self/task/%T/fd; open f O_RDONLY; list /proc/self/fd", ""},
	{"open d O_RDONLY; open /proc/self/fd/3/f O_RDONLY; read 4; open /proc/self/cwd/f O_RDONLY; read 5; where 5; open /proc/self/cwd/new O_WRONLY|O_CREAT 0644; where 6", ""},
	{"open /proc/self/fd/99 O_RDONLY; open /dev/fd/99 O_RDONLY; open /proc/self/missing O_RDONLY; open /proc/thread-self/fd/x O_RDONLY; open /proc/self/fd/3/x O_RDONLY", ""},
	{"open f O_PATH; open /proc/self/fd/3 O_RDONLY; read 4; open /proc/self/fd/3 O_RDONLY|O_NOFOLLOW; openat2 AT_FDCWD /proc/self/fd/3 O_RDWR; write 5 y", ""},
	{"open f O_RDONLY; unlink f; open /proc/self/fd/3 O_RDONLY; read 4", ""},
	{"open fifo O_RDWR; open /proc/self/fd/3 O_RDONLY|O_NONBLOCK; open /dev/fd/3 O_WRONLY|O_NONBLOCK; write 5 x; read 4", ""},
	{"symlink /proc/self/stat new; open new O_RDONLY; readpid 3; symlink /proc/self pd; open pd/status O_RDONLY; readpid 4 Pid:; symlink /dev/fd fds; open f O_RDONLY; open fds/5 O_RDONLY; read 6", ""},
	{"open /proc/meminfo O_RDONLY; fstat 3; open /proc/sys/kernel/osrelease O_RDONLY; read 4; open /proc/sys/../meminfo O_RDONLY; openat2 AT_FDCWD /proc/meminfo O_RDONLY; open /proc/meminfo O_RDONLY|O_CLOEXEC; getfd 7", ""},
	{"open /proc//self//stat O_RDONLY; readpid 3; open /proc/./self/stat O_RDONLY; readpid 4; open /proc/self/../self/stat O_RDONLY; readpid 5; open /proc/self/task/../stat O_RDONLY; readpid 6", ""},
	{"open /proc O_PATH; openat 3 self/stat O_RDONLY; readpid 4; openat 3 thread-self/status O_RDONLY; readpid 5 Pid:; openat 3 %P/stat O_RDONLY; readpid 6", ""},
	{"open /dev O_PATH; open f O_RDONLY; openat 3 fd/4 O_RDONLY; read 5; openat 3 ../proc/self/comm O_RDONLY; read 6", ""},
	{"open /proc/self/ns/mnt O_RDONLY|O_NOFOLLOW; open /proc/self/exe O_RDONLY|O_NOFOLLOW; open /proc/self/exe O_PATH; fstat 3", ""},
	{"open /proc/version O_RDONLY; open /proc/cpuinfo O_RDONLY; open /proc/sys/kernel/version O_RDONLY; open /proc/sys/kernel O_RDONLY; open /proc O_RDONLY", "EACCES; EACCES; EACCES; EACCES; EACCES"},
	{"open /proc/1/status O_RDONLY; open /proc/1/comm O_RDONLY; list /proc/1; open /proc/sys/kernel/../../version O_RDONLY", "EACCES; EACCES; EACCES; EACCES"},
	{"open /proc/self/comm O_WRONLY; open /proc/self/oom_score_adj O_WRONLY; open /proc/self/mem O_RDWR", "EACCES; EACCES; EACCES"},
}

// fileRows fit grants of single files: they touch no others.
var fileRows = []row{
	{"open f O_RDONLY; read 3; open f O_WRONLY; write 4 x; open f O_RDWR; getfd 5; where 3", ""},
	{"open new O_RDONLY; open new O_WRONLY|O_CREAT 0666; write 3 x; fstat 3; open new O_RDONLY; read 4", ""},
	{"umask 077; creat new 0666; fstat 3; unlink new; open new O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC 0666; getfd 4; fstat 4", ""},
	{"open f O_WRONLY|O_APPEND; write 3 x; open f O_RDONLY|O_TRUNC; fstat 4; truncate f 9; fstat 4", ""},
	{"openat2 AT_FDCWD new O_WRONLY|O_CREAT 0640 RESOLVE_BENEATH; write 3 x; openat2 AT_FDCWD f O_RDONLY 0 RESOLVE_NO_SYMLINKS; read 4", ""},
	{"unlink f; open f O_RDONLY; open f O_WRONLY|O_CREAT 0600; unlink new; unlink x", ""},
	{"rename f new; open new O_RDONLY; read 3; open f O_RDONLY; rename new f; open f O_RDONLY; read 4", ""},
	{"open new O_WRONLY|O_CREAT 0644; write 3 later; rename new f; open f O_RDONLY; read 4; open f O_RDWR; write 5 x", ""},
	{"link f new; open new O_RDONLY; read 3; renameat2 AT_FDCWD f AT_FDCWD ro RENAME_EXCHANGE; open ro O_RDONLY; read 4", ""},
	{"mknod new S_IFIFO|0644 0; open new O_RDWR; write 3 x; read 3; unlink new; mknod new S_IFREG|0600 0; open new O_WRONLY", ""},
	{"symlink f new; open new O_RDONLY; read 3; unlink new; symlink f new; open new O_RDONLY|O_NOFOLLOW", ""},
	{"open lf O_RDONLY; read 3; open labs O_RDWR; write 4 x; open dang O_WRONLY|O_CREAT 0644; where 5; open dangabs O_RDONLY", ""},
	{"mkdir new 0755; rmdir new; mkdir new2 0700; rmdir new2", ""},
	{"open ro O_WRONLY; open wo O_RDONLY; open missing O_RDONLY; open f/ O_RDONLY; open f/x O_RDONLY; open new/ O_WRONLY|O_CREAT 0644", ""},
	{"open none O_RDONLY; open d/f O_RDONLY; open d O_RDONLY; open h1 O_RDONLY; open theirs O_RDONLY; open . O_RDONLY", "EACCES; EACCES; EACCES; EACCES; EACCES; EACCES"},
	{"open other O_WRONLY|O_CREAT 0644; mkdir other 0755; rename f other; link f other; rename d/f new; link d/f new; symlink x other; unlink h1; rmdir nd; truncate h1 0", "EACCES; EACCES; EACCES/EXDEV; EACCES/EXDEV; EACCES/EXDEV; EACCES/EXDEV; EACCES; EACCES; EACCES; EACCES"},
	{"open . O_TMPFILE|O_RDWR 0600; mknod other S_IFIFO 0; open new/x O_WRONLY|O_CREAT 0644", "EACCES; EACCES; ENOENT"},
}
