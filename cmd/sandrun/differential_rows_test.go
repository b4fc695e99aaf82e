//go:build linux

package main

// openRows are about what an open makes and what it hands out.
var openRows = []row{
	// access modes
	{"open f O_RDONLY; read 3; write 3 x; getfd 3; where 3", ""},
	{"open f O_WRONLY; read 3; write 3 x; fstat 3", ""},
	{"open f O_RDWR; read 3; write 3 x; lseek 3 0; read 3", ""},
	{"open ro O_RDONLY; open ro O_WRONLY; open ro O_RDWR", ""},
	{"open wo O_RDONLY; open wo O_WRONLY; open wo O_RDWR", ""},
	{"open none O_RDONLY; open none O_WRONLY", ""},
	{"open f 3", "EACCES"}, // neither reading nor writing: Landlock asks for no right
	{"open x O_RDONLY; read 3", ""},
	{"open f O_RDONLY; getfl 3", ""},
	{"open f O_WRONLY|O_APPEND; getfl 3; write 3 x; lseek 3 0; write 3 y", ""},
	{"open f O_RDWR|O_APPEND; read 3; lseek 3 0; write 3 y; lseek 3 0; read 3", ""},
	{"open f O_RDWR|O_NONBLOCK; getfl 3", ""},
	{"open f O_RDWR|O_SYNC; getfl 3", ""},
	{"open f O_RDWR|O_DSYNC; getfl 3", ""},
	{"open f O_RDONLY|O_NOATIME; getfl 3", ""},
	{"open f O_RDONLY|O_NOFOLLOW; getfl 3", ""},
	{"open f O_RDONLY|O_NOCTTY; getfl 3", ""},
	{"open f O_RDWR|O_ASYNC; getfl 3", ""},
	{"open d O_RDONLY|O_DIRECTORY; getfl 3", ""},
	{"open new O_RDWR|O_CREAT|O_EXCL|O_TRUNC 0644; getfl 3", ""},
	{"open f O_RDWR|O_DIRECT; getfl 3", ""},
	{"open f 0x80000000", ""},
	{"open f O_RDONLY|0x4000000", ""},
	{"open f 0x7fffffff", ""},
	{"open f 0xffffffffffffffff", ""},

	// close-on-exec
	{"open f O_RDONLY; getfd 3; open f O_RDONLY|O_CLOEXEC; getfd 4", ""},
	{"open new O_WRONLY|O_CREAT|O_CLOEXEC 0600; getfd 3", ""},
	{"openat2 AT_FDCWD f O_RDONLY|O_CLOEXEC; getfd 3", ""},

	// the lowest free descriptor
	{"open f O_RDONLY; open f O_RDONLY; open f O_RDONLY; close 4; open f O_WRONLY; open new O_WRONLY|O_CREAT 0644", ""},
	{"dup2 0 50; close 0; open f O_RDONLY; open f O_RDONLY; dup2 50 0", ""},
	{"open f O_RDONLY; dup2 3 9; close 3; open f O_RDONLY; open f O_RDONLY", ""},
	{"nofile 3; open f O_RDONLY; open new O_WRONLY|O_CREAT 0644; open new2 O_WRONLY|O_CREAT|O_EXCL 0644; open f O_WRONLY|O_TRUNC", ""},
	{"nofile 4; open f O_RDONLY; open new O_WRONLY|O_CREAT 0644; creat new2 0644; open . O_TMPFILE|O_RDWR 0600", ""},
	{"nofile 4; open f O_RDONLY; openat2 AT_FDCWD new O_WRONLY|O_CREAT 0644; open missing O_RDONLY; mkdir new2 0755", ""},
	{"nofile 3; mkdir new 0755; rename f new2; truncate ro 0; truncate empty 5; unlink h1; symlink x new3", ""},

	// creation: mode and umask
	{"open new O_WRONLY|O_CREAT 0666; fstat 3", ""},
	{"umask 0; open new O_WRONLY|O_CREAT 0666; fstat 3", ""},
	{"umask 077; open new O_WRONLY|O_CREAT 0666; fstat 3", ""},
	{"umask 0777; open new O_RDWR|O_CREAT 0666; fstat 3; write 3 x", ""},
	{"umask 0; open new O_RDWR|O_CREAT 0; fstat 3; write 3 x", ""},
	{"umask 0; open new O_RDONLY|O_CREAT 0777; fstat 3", ""},
	{"umask 0; open new O_WRONLY|O_CREAT 01777; fstat 3", ""},
	{"umask 027; creat new 0777; fstat 3; write 3 x", ""},
	{"umask 0; creat f 0777; fstat 3; write 3 x", ""},
	{"umask 077; mkdir new 0777; mkdirat AT_FDCWD new2 0777; mknod new3 S_IFIFO|0666 0; mknod new4 S_IFREG|0666 0", ""},
	{"umask 0; mkdir new 0777; mkdir new2 01777; mkdir new3 0; mknod new4 S_IFIFO|0666 0", ""},
	{"umask 0; open new O_WRONLY|O_CREAT 04755", "0; EPERM"},
	{"umask 0; open new O_WRONLY|O_CREAT 02755", "0; EPERM"},
	{"umask 022; openat2 AT_FDCWD new O_WRONLY|O_CREAT 0666; fstat 3", ""},
	{"umask 0; openat2 AT_FDCWD new O_WRONLY|O_CREAT 04755", "0; EPERM"},
	{"open new O_CREAT|O_WRONLY 0644; write 3 one; open new O_CREAT|O_WRONLY 0600; write 4 x; fstat 4", ""},
	{"open new O_WRONLY|O_CREAT 0200000; fstat 3", ""},

	// O_EXCL
	{"open new O_WRONLY|O_CREAT|O_EXCL 0644; open new O_WRONLY|O_CREAT|O_EXCL 0644", ""},
	{"open f O_WRONLY|O_CREAT|O_EXCL 0644; open d O_RDONLY|O_CREAT|O_EXCL 0644; open fifo O_WRONLY|O_CREAT|O_EXCL 0644", ""},
	{"open lf O_WRONLY|O_CREAT|O_EXCL 0644; open dang O_WRONLY|O_CREAT|O_EXCL 0644; open loop O_WRONLY|O_CREAT|O_EXCL 0644", ""},
	{"open f O_RDONLY|O_EXCL; open missing O_RDONLY|O_EXCL", ""},

	// O_TRUNC
	{"open f O_RDONLY|O_TRUNC; fstat 3", ""},
	{"open f O_WRONLY|O_TRUNC; fstat 3; write 3 new", ""},
	{"open f O_RDWR|O_TRUNC; fstat 3", ""},
	{"open f O_WRONLY|O_TRUNC|O_APPEND; write 3 new", ""},
	{"open ro O_RDONLY|O_TRUNC; open ro O_WRONLY|O_TRUNC", ""},
	{"open new O_WRONLY|O_CREAT|O_TRUNC 0600; fstat 3; open f O_WRONLY|O_CREAT|O_TRUNC 0600; fstat 4", ""},
	{"open d O_RDONLY|O_TRUNC; open fifo O_RDONLY|O_TRUNC|O_NONBLOCK", ""},
	{"open missing O_WRONLY|O_TRUNC; open lf O_WRONLY|O_TRUNC; fstat 3", ""},

	// directories
	{"open d O_RDONLY; fstat 3; listfd 3; read 3; where 3", ""},
	{"open d O_WRONLY; open d O_RDWR; open d O_RDONLY|O_CREAT 0644; open d O_WRONLY|O_CREAT 0644", ""},
	{"open d O_RDONLY|O_DIRECTORY; listfd 3; openat 3 f O_RDONLY; read 4; openat 3 new O_WRONLY|O_CREAT 0644", ""},
	{"open f O_RDONLY|O_DIRECTORY; open lf O_RDONLY|O_DIRECTORY; open missing O_RDONLY|O_DIRECTORY", ""},
	{"open ld O_RDONLY|O_DIRECTORY; listfd 3; open ld O_RDONLY|O_DIRECTORY|O_NOFOLLOW", ""},
	{"open new O_RDONLY|O_DIRECTORY|O_CREAT 0755; open d O_RDONLY|O_DIRECTORY|O_CREAT 0755", ""},
	{"list .; list d; list ld; list nd; list missing; list f; list closed", ""},
	{"mkdir new 0755; open new O_RDONLY|O_DIRECTORY; mkdirat 3 sub 0755; list new; listfd 3", ""},

	// O_NOFOLLOW
	{"open f O_RDONLY|O_NOFOLLOW; open lf O_RDONLY|O_NOFOLLOW; open lf O_WRONLY|O_NOFOLLOW; open ld/f O_RDONLY|O_NOFOLLOW", ""},
	{"open dang O_WRONLY|O_CREAT|O_NOFOLLOW 0644; open loop O_RDONLY|O_NOFOLLOW; open new O_WRONLY|O_CREAT|O_NOFOLLOW 0644", ""},
	{"open lf O_PATH|O_NOFOLLOW; fstat 3; open lf O_PATH; fstat 4; where 4", ""},

	// O_PATH
	{"open f O_PATH; read 3; write 3 x; fstat 3; getfl 3; close 3", ""},
	{"open d O_PATH; openat 3 f O_RDONLY; read 4; openat 3 new O_WRONLY|O_CREAT 0644; listfd 3", ""},
	{"open none O_PATH; open missing O_PATH; open new O_PATH|O_CREAT 0644; open f O_PATH|O_TRUNC|O_WRONLY; fstat 3", ""},
	{"open f O_PATH|O_CLOEXEC; getfd 3; openat2 AT_FDCWD f O_PATH|O_WRONLY", ""},
	// The kernel injects no O_PATH descriptor (EBADF), and openat2 cannot go on in the
	// kernel: it could ask for something else by then. Programs fall back to openat.
	{"openat2 AT_FDCWD f O_PATH; openat2 AT_FDCWD lf O_PATH|O_NOFOLLOW; openat2 AT_FDCWD f O_PATH|O_CLOEXEC", "ENOSYS; ENOSYS; ENOSYS"},
	{"open %O/secret O_PATH; open lout O_PATH; fstat 3; read 3", ""},

	// O_TMPFILE
	{"open . O_TMPFILE|O_RDWR 0640; fstat 3; write 3 tmp; linkat AT_FDCWD /proc/self/fd/3 AT_FDCWD new AT_SYMLINK_FOLLOW; list .", ""},
	{"open . O_TMPFILE|O_WRONLY 0600; write 3 tmp; linkat 3 @empty AT_FDCWD new AT_EMPTY_PATH; fstat 3", ""},
	{"open d O_TMPFILE|O_RDWR|O_EXCL 0600; write 3 tmp; linkat AT_FDCWD /proc/self/fd/3 AT_FDCWD new AT_SYMLINK_FOLLOW", ""},
	{"open . O_TMPFILE|O_RDWR 0640; write 3 tmp; linkat AT_FDCWD /proc/thread-self/fd/3 AT_FDCWD d/new AT_SYMLINK_FOLLOW", ""},
	{"open . O_TMPFILE|O_RDWR 0640; write 3 tmp; linkat AT_FDCWD /dev/fd/3 AT_FDCWD d/new AT_SYMLINK_FOLLOW", ""},
	{"umask 0; open . O_TMPFILE|O_RDWR 0666; fstat 3; umask 077; open . O_TMPFILE|O_RDWR 0666; fstat 4; getfl 4", ""},
	{"open f O_TMPFILE|O_RDWR 0600; open missing O_TMPFILE|O_RDWR 0600; open . O_TMPFILE|O_RDONLY 0600", ""},
	{"open closed O_TMPFILE|O_RDWR 0600; openat2 AT_FDCWD . O_TMPFILE|O_RDWR 0600; write 3 x", ""},
	{"open . O_TMPFILE|O_RDWR 0600; linkat AT_FDCWD /proc/self/fd/3 AT_FDCWD f AT_SYMLINK_FOLLOW; linkat AT_FDCWD /proc/self/fd/3 AT_FDCWD new 0", ""},
	{"open ld O_TMPFILE|O_RDWR 0600; fstat 3; open lslash O_TMPFILE|O_RDWR|O_CLOEXEC 0600; getfd 4", ""},

	// FIFOs and sockets
	{"open fifo O_RDONLY|O_NONBLOCK; fstat 3; getfl 3; open fifo O_WRONLY|O_NONBLOCK; write 4 pipe; read 3", ""},
	{"open fifo O_WRONLY|O_NONBLOCK; open fifo O_RDWR; fstat 3; open fifo O_RDWR|O_NONBLOCK; write 3 x; read 4", ""},
	{"open fifo O_RDONLY|O_CREAT|O_NONBLOCK 0644; open fifo O_RDONLY|O_DIRECTORY|O_NONBLOCK", ""},
	{"open sock O_RDONLY; open sock O_WRONLY; open sock O_RDWR|O_NONBLOCK; open sock O_PATH", ""},

	// openat2: sizes and flags
	{"openat2 AT_FDCWD f O_RDONLY 0 0; read 3", ""},
	{"openat2 AT_FDCWD f O_RDONLY 0 0 0; openat2 AT_FDCWD f O_RDONLY 0 0 8; openat2 AT_FDCWD f O_RDONLY 0 0 23", ""},
	{"openat2 AT_FDCWD f O_RDONLY 0 0 24; openat2 AT_FDCWD f O_RDONLY 0 0 32; openat2 AT_FDCWD f O_RDONLY 0 0 32 1", ""},
	{"openat2 AT_FDCWD f O_RDONLY 0 0 4096; openat2 AT_FDCWD f O_RDONLY 0 0 4096 1; openat2 AT_FDCWD f O_RDONLY 0 0 4097; openat2 AT_FDCWD f O_RDONLY 0 0 0xffffffffffffffff", ""},
	{"openat2 AT_FDCWD new O_WRONLY|O_CREAT 0644 0 25 1; openat2 AT_FDCWD new O_WRONLY|O_CREAT 0644 0 25", ""},
	{"openat2 AT_FDCWD f O_RDONLY 0644; openat2 AT_FDCWD f O_RDONLY|O_TRUNC 0644; openat2 AT_FDCWD . O_TMPFILE|O_RDONLY 0600", ""},
	{"openat2 AT_FDCWD new O_WRONLY|O_CREAT 0200644; openat2 AT_FDCWD new O_WRONLY|O_CREAT 0x100000180", ""},
	{"openat2 AT_FDCWD f 0x80000000; openat2 AT_FDCWD f 0x100000000; openat2 AT_FDCWD f 0xffffffffffffffff", ""},
	{"openat2 AT_FDCWD f O_PATH|O_TRUNC; openat2 AT_FDCWD f O_PATH|O_NOATIME", ""},
	{"openat2 AT_FDCWD f 0x4000000; openat2 AT_FDCWD f O_RDONLY 0 0x40; openat2 AT_FDCWD f O_RDONLY 0 0x80; openat2 AT_FDCWD f O_RDONLY 0 0x100000000", ""},
	{"openat2 AT_FDCWD d O_DIRECTORY|O_CREAT 0755; openat2 AT_FDCWD new O_DIRECTORY|O_CREAT 0755", ""},
	{"openat2how AT_FDCWD f @null; openat2how AT_FDCWD f @unmapped; openat2how AT_FDCWD f @kernel; openat2how AT_FDCWD f @cut:12345678", ""},
	{"openat2how AT_FDCWD missing @null; openat2how AT_FDCWD @null @null; openat2how 99 f @null", ""},
	{"openat2 AT_FDCWD f 3", "EACCES"},
	{"openat2 AT_FDCWD f O_WRONLY|O_APPEND; write 3 x; getfl 3; openat2 AT_FDCWD new O_WRONLY|O_CREAT|O_EXCL 0600; openat2 AT_FDCWD new O_WRONLY|O_CREAT|O_EXCL 0600", ""},

	// devices
	{"open devnull O_RDWR; write 3 x; read 3; openat2 AT_FDCWD devnull O_WRONLY; write 4 x; openat2 AT_FDCWD /dev/null O_RDONLY; read 5", ""},
	{"open devzero O_RDONLY; openat2 AT_FDCWD devzero O_RDWR; fstat 3; open /dev/null O_WRONLY|O_TRUNC; open devnull O_WRONLY|O_CREAT 0666", ""},

	// mappings of what was opened
	{"open f O_RDWR; mmap 3 PROT_READ|PROT_WRITE; open f O_RDONLY; mmap 4 PROT_READ; mmap 4 PROT_WRITE", ""},
	{"open x O_RDONLY; mmap 3 PROT_READ|PROT_EXEC", "3; EACCES"},
	{"open f O_RDWR; ftruncate 3 2; ftruncate 3 -1; open f O_RDONLY; ftruncate 4 0; ftruncate 99 0; open d O_RDONLY; ftruncate 5 0", ""},
}

// resolveRows are about how a path leads to a file.
var resolveRows = []row{
	// every RESOLVE flag
	{"openat2 AT_FDCWD f O_RDONLY 0 RESOLVE_NO_SYMLINKS; openat2 AT_FDCWD lf O_RDONLY 0 RESOLVE_NO_SYMLINKS; openat2 AT_FDCWD ld/f O_RDONLY 0 RESOLVE_NO_SYMLINKS", ""},
	{"openat2 AT_FDCWD dang O_WRONLY|O_CREAT 0644 RESOLVE_NO_SYMLINKS", ""},
	{"openat2 AT_FDCWD /proc/self/comm O_RDONLY 0 RESOLVE_NO_MAGICLINKS; openat2 AT_FDCWD /proc/self/fd/0 O_RDONLY 0 RESOLVE_NO_MAGICLINKS", ""},
	{"open f O_RDONLY; openat2 AT_FDCWD /proc/self/fd/3 O_RDONLY 0 0; read 4; openat2 AT_FDCWD /proc/self/fd/3 O_RDONLY 0 RESOLVE_NO_MAGICLINKS", ""},
	{"openat2 AT_FDCWD f O_RDONLY 0 RESOLVE_NO_XDEV; openat2 AT_FDCWD /proc/self/comm O_RDONLY 0 RESOLVE_NO_XDEV", ""},
	{"openat2 AT_FDCWD f O_RDONLY 0 RESOLVE_BENEATH; openat2 AT_FDCWD d/../f O_RDONLY 0 RESOLVE_BENEATH; openat2 AT_FDCWD ../f O_RDONLY 0 RESOLVE_BENEATH", ""},
	{"openat2 AT_FDCWD %D/f O_RDONLY 0 RESOLVE_BENEATH; openat2 AT_FDCWD labs O_RDONLY 0 RESOLVE_BENEATH; openat2 AT_FDCWD lup O_RDONLY 0 RESOLVE_BENEATH", ""},
	{"openat2 AT_FDCWD new O_WRONLY|O_CREAT 0644 RESOLVE_BENEATH; openat2 AT_FDCWD ../new O_WRONLY|O_CREAT 0644 RESOLVE_BENEATH; openat2 AT_FDCWD dang O_WRONLY|O_CREAT 0644 RESOLVE_BENEATH", ""},
	{"open d O_PATH; openat2 3 f O_RDONLY 0 RESOLVE_BENEATH; openat2 3 ../f O_RDONLY 0 RESOLVE_BENEATH; openat2 3 e/../f O_RDONLY 0 RESOLVE_BENEATH", ""},
	{"openat2 AT_FDCWD /f O_RDONLY 0 RESOLVE_IN_ROOT; where 3; openat2 AT_FDCWD ../../f O_RDONLY 0 RESOLVE_IN_ROOT; where 4", ""},
	{"openat2 AT_FDCWD labs O_RDONLY 0 RESOLVE_IN_ROOT; openat2 AT_FDCWD /d/../../f O_RDONLY 0 RESOLVE_IN_ROOT; openat2 AT_FDCWD lf O_RDONLY 0 RESOLVE_IN_ROOT", ""},
	{"open d O_RDONLY; openat2 3 /../../f O_RDONLY 0 RESOLVE_IN_ROOT; where 4; openat2 3 /new O_WRONLY|O_CREAT 0644 RESOLVE_IN_ROOT; where 5", ""},
	{"openat2 AT_FDCWD lout O_RDONLY 0 RESOLVE_IN_ROOT; openat2 AT_FDCWD loutnew O_WRONLY|O_CREAT 0644 RESOLVE_IN_ROOT", ""},
	{"openat2 AT_FDCWD f O_RDONLY 0 RESOLVE_BENEATH|RESOLVE_IN_ROOT; openat2 AT_FDCWD f O_RDONLY 0 RESOLVE_BENEATH|RESOLVE_NO_XDEV|RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS", ""},
	{"openat2 AT_FDCWD new O_WRONLY|O_CREAT 0644 RESOLVE_CACHED; openat2 AT_FDCWD f O_WRONLY|O_TRUNC 0 RESOLVE_CACHED; openat2 AT_FDCWD f 3 0 RESOLVE_CACHED|0x100", ""},
	{"open f O_RDONLY; openat2 AT_FDCWD f O_RDONLY 0 RESOLVE_CACHED", "3; EAGAIN"}, // the kernel may always say that it would have to wait
	{"openat2 AT_FDCWD missing O_RDONLY 0 RESOLVE_BENEATH; openat2 AT_FDCWD loop O_RDONLY 0 RESOLVE_BENEATH; openat2 99 f O_RDONLY 0 RESOLVE_BENEATH", ""},
	{"open f O_RDONLY; openat2 3 f O_RDONLY 0 RESOLVE_BENEATH; openat2 3 @empty O_RDONLY 0 RESOLVE_BENEATH; openat2 AT_FDCWD . O_RDONLY 0 RESOLVE_BENEATH; where 4", ""},
	{"openat2 AT_FDCWD / O_RDONLY|O_DIRECTORY 0 RESOLVE_IN_ROOT; where 3; openat2 AT_FDCWD .. O_RDONLY|O_DIRECTORY 0 RESOLVE_IN_ROOT; where 4", ""},

	// descriptors as a start
	{"open d O_RDONLY; openat 3 f O_RDONLY; read 4; openat 3 ../f O_RDONLY; read 5; openat 3 %D/ro O_RDONLY; read 6", ""},
	{"openat 99 f O_RDONLY; openat -1 f O_RDONLY; openat 99 %D/f O_RDONLY; openat -1 %D/new O_WRONLY|O_CREAT 0644", ""},
	{"open f O_RDONLY; openat 3 f O_RDONLY; openat 3 @empty O_RDONLY; openat 3 . O_RDONLY; openat 3 %D/f O_RDONLY", ""},
	{"open d O_PATH; openat 3 f O_RDONLY; openat 3 . O_RDONLY; where 5; openat 3 .. O_RDONLY; where 6; openat 3 @empty O_RDONLY", ""},
	{"open d O_RDONLY; mkdirat 3 new 0755; openat 3 new/f O_WRONLY|O_CREAT 0644; unlinkat 3 f 0; unlinkat 3 e AT_REMOVEDIR; unlinkat 3 e 0", ""},
	{"open d O_RDONLY; open nd O_RDONLY; renameat 3 f 4 g; linkat 4 g 3 back 0; symlinkat g 4 link; mknodat 4 pipe S_IFIFO|0644 0", ""},
	{"mkdirat 99 new 0755; mkdirat 99 %D/new 0755; unlinkat 99 f 0; renameat 99 f 98 g; linkat 99 f 98 g 0; symlinkat x 99 new; mknodat 99 new S_IFIFO 0", ""},
	{"open f O_RDONLY; mkdirat 3 new 0755; unlinkat 3 f 0; renameat 3 a 3 b; linkat 3 a 3 b 0; symlinkat x 3 new; mknodat 3 new S_IFIFO 0", ""},
	{"openat 0x1ffffff9c new O_WRONLY|O_CREAT 0644; openat 0xffffffff f O_RDONLY; openat 0xffffffffffffff9c f O_RDONLY", ""},
	{"open lf O_PATH|O_NOFOLLOW; openat 3 x O_RDONLY; openat 3 @empty O_RDONLY; openat 0 f O_RDONLY", ""},

	// the working directory
	{"chdir d; open f O_RDONLY; read 3; open ../f O_RDONLY; read 4; open new O_WRONLY|O_CREAT 0644; mkdir sub 0755", ""},
	{"open d O_RDONLY; fchdir 3; open e/g O_RDONLY; open ./new O_WRONLY|O_CREAT 0644; rename f g; list .", ""},
	{"mkdir gone 0755; chdir gone; rmdir ../gone; open f O_RDONLY; open new O_WRONLY|O_CREAT 0644; open . O_RDONLY; mkdir sub 0755; open .. O_RDONLY; where 4", ""},
	{"mkdir gone 0755; open gone O_RDONLY; rmdir gone; openat 3 new O_WRONLY|O_CREAT 0644; openat 3 . O_RDONLY; mkdirat 3 x 0755; listfd 3; openat 3 ../f O_RDONLY", ""},
	{"open nd O_RDONLY; rename nd moved; openat 3 new O_WRONLY|O_CREAT 0644; where 4; openat 3 ../f O_RDONLY; read 5", ""},
	{"mkdir gone 0755; chdir gone; rmdir ../gone; symlink x new; link ../f new; rename ../f new; mknod new S_IFIFO 0; truncate f 0; unlink f; rmdir .", ""},
	{"mkdir gone 0755; chdir gone; rmdir ../gone; open . O_TMPFILE|O_RDWR 0600; openat2 AT_FDCWD new O_WRONLY|O_CREAT 0644; openat2 AT_FDCWD ../f O_RDONLY; read 3", ""},

	// dots and slashes
	{"open . O_RDONLY; open ./ O_RDONLY; open .. O_PATH; open ./f O_RDONLY; open .//f O_RDONLY; open d/../f O_RDONLY; open d/./f O_RDONLY", ""},
	{"open f/ O_RDONLY; open f/. O_RDONLY; open f/.. O_RDONLY; open f/x O_RDONLY; open f/../f O_RDONLY; open missing/../f O_RDONLY", ""},
	{"open d/ O_RDONLY; open d// O_RDONLY; open d/. O_RDONLY; open d/f/ O_RDONLY; open ld/ O_RDONLY; where 6; open lf/ O_RDONLY", ""},
	{"open missing/ O_RDONLY; open missing/ O_WRONLY|O_CREAT 0644; open d/ O_WRONLY|O_CREAT 0644; open f/ O_WRONLY|O_CREAT 0644; open missing/x O_WRONLY|O_CREAT 0644", ""},
	{"open missing/. O_WRONLY|O_CREAT 0644; open d/. O_RDONLY|O_CREAT 0644; open d/.. O_WRONLY|O_CREAT 0644; open . O_RDONLY|O_CREAT 0644; open . O_RDONLY|O_CREAT|O_EXCL 0644", ""},
	{"open lslash O_RDONLY; where 3; open lfslash O_RDONLY; open lslash/f O_RDONLY; open lslash O_RDONLY|O_NOFOLLOW; open lslash/ O_RDONLY|O_NOFOLLOW; open ld/ O_RDONLY|O_NOFOLLOW", ""},
	{"open //f O_RDONLY; open %D//f O_RDONLY; open %D/./d/../f O_RDONLY; open /..%D/f O_RDONLY", ""},

	// symbolic links inside the granted area
	{"open lf O_RDONLY; read 3; where 3; open ld/f O_RDONLY; read 4; open labs O_RDONLY; read 5; open labsd/f O_RDONLY; read 6; open lup O_RDONLY; read 7", ""},
	{"open lf O_WRONLY; write 3 x; open lf O_RDWR|O_TRUNC; open labs O_WRONLY|O_APPEND; write 5 y", ""},
	{"open dang O_RDONLY; open dang O_WRONLY|O_CREAT 0640; write 3 x; where 3; open dang O_RDONLY; read 4", ""},
	{"open dangabs O_WRONLY|O_CREAT 0640; write 3 x; where 3; open dangdeep O_WRONLY|O_CREAT 0640; open dangdeep O_RDONLY", ""},
	{"open ld/new O_WRONLY|O_CREAT 0640; where 3; open labsd/new2 O_WRONLY|O_CREAT 0640; where 4; open lslash/new3 O_WRONLY|O_CREAT 0640; where 5", ""},
	{"creat dang 0640; where 3; openat2 AT_FDCWD dangabs O_WRONLY|O_CREAT 0640; where 4", ""},
	{"open loop O_RDONLY; open la O_RDONLY; open loop/x O_RDONLY; open loop O_WRONLY|O_CREAT 0644; open la O_PATH|O_NOFOLLOW", ""},
	{"open chain39 O_RDONLY; open chain40 O_RDONLY; open chain41 O_RDONLY; open chain42 O_RDONLY", ""},
	{"open chain40 O_WRONLY|O_CREAT 0644; open chain41 O_WRONLY|O_CREAT 0644; openat2 AT_FDCWD chain40 O_RDONLY; openat2 AT_FDCWD chain41 O_RDONLY; truncate chain40 1; truncate chain41 0", ""},
	{"symlink chain40 chain; open chain O_RDONLY; symlink . dot; open dot/dot/dot/f O_RDONLY; open dot/chain39 O_RDONLY", ""},

	// out of the granted area
	{"open lout O_RDONLY", "EACCES"},
	{"open lout O_WRONLY|O_APPEND", "EACCES"},
	{"open loutrel O_RDONLY", "EACCES"},
	{"open loutd O_RDONLY", "EACCES"},
	{"open loutd/f O_RDONLY", "EACCES"},
	{"list loutd", "EACCES"},
	{"open ../../../out/secret O_RDONLY", "EACCES"},
	{"open d/../../../../out/secret O_RDONLY", "EACCES"},
	{"open ld/../../../../out/secret O_RDONLY", "EACCES"},
	{"open %O/secret O_RDONLY", "EACCES"},
	{"open %O O_PATH; openat 3 secret O_RDONLY", "3; EACCES"},
	{"open %O O_PATH; openat2 3 secret O_RDONLY; openat2 3 secret O_RDONLY 0 RESOLVE_BENEATH; openat2 3 /secret O_RDONLY 0 RESOLVE_IN_ROOT", "3; EACCES; EACCES; EACCES"},
	{"chdir %O; open secret O_RDONLY; openat AT_FDCWD d/f O_RDONLY", "0; EACCES; EACCES"},
	{"openat2 AT_FDCWD lout O_RDONLY; openat2 AT_FDCWD loutd/f O_RDONLY", "EACCES; EACCES"},
	{"open %O/secret O_RDONLY|O_TRUNC; openat2 AT_FDCWD lout O_RDONLY|O_TRUNC; truncate lout 7", "EACCES; EACCES; EACCES"},
	{"open %O/new O_WRONLY|O_CREAT 0644; unlink %O/new", "EACCES; ENOENT"},
	{"open loutnew O_WRONLY|O_CREAT 0644; unlink %O/new", "EACCES; ENOENT"},
	{"openat2 AT_FDCWD loutnew O_WRONLY|O_CREAT 0644; unlink %O/new", "EACCES; ENOENT"},
	{"mkdir loutd/new 0755; rmdir loutd/new", "EACCES; ENOENT"},
	{"mkdir %O/new 0755; rmdir %O/new", "EACCES; ENOENT"},
	{"mknod loutd/new S_IFIFO|0644 0; unlink %O/new; symlink x loutd/new; unlink loutd/new", "EACCES; ENOENT; EACCES; ENOENT"},
	{"rename f %O/new; rename %O/new f", "EACCES/EXDEV; ENOENT"},
	{"link f %O/new; unlink %O/new", "EACCES/EXDEV; ENOENT"},
	{"link %O/secret new; unlink new", "EACCES/EXDEV; ENOENT"},
	{"link lout new", ""}, // of the symbolic link itself
	{"linkat AT_FDCWD lout AT_FDCWD new AT_SYMLINK_FOLLOW; unlink new", "EACCES/EXDEV; ENOENT"},
	{"open %O O_TMPFILE|O_RDWR 0600", "EACCES"},
	{"open lout O_PATH; linkat 3 @empty AT_FDCWD new AT_EMPTY_PATH", "3; EACCES/EXDEV"},
	{"open lout O_PATH; linkat AT_FDCWD /proc/self/fd/3 AT_FDCWD new AT_SYMLINK_FOLLOW; unlink new", "3; EACCES/EXDEV; ENOENT"},
	{"open lout O_PATH; open /proc/self/fd/3 O_RDONLY; openat2 AT_FDCWD /dev/fd/3 O_RDONLY; open /proc/thread-self/fd/3 O_WRONLY", "3; EACCES; EACCES; EACCES"},
	{"open /proc/self/root%O/secret O_RDONLY; open /proc/self/cwd/../../../out/secret O_RDONLY; openat2 AT_FDCWD /proc/self/root%O/secret O_RDONLY", "EACCES; EACCES; EACCES"},
	{"renameat2 AT_FDCWD d AT_FDCWD %O/d RENAME_EXCHANGE; renameat2 AT_FDCWD %O/d AT_FDCWD d RENAME_EXCHANGE", "EACCES/EXDEV; EACCES/EXDEV"},
}

// changeRows are about calls that change names, and truncation.
var changeRows = []row{
	{"mkdir new 0755; mkdir new 0755; mkdir f 0755; mkdir lf 0755; mkdir dang 0755; mkdir loop 0755", ""},
	{"mkdir new/ 0755; mkdir new2/. 0755; mkdir missing/x 0755; mkdir f/x 0755; mkdir . 0755; mkdir .. 0755; mkdir d/.. 0755", ""},
	{"mkdir ld/new 0755; mkdir labsd/new2 0755; mkdir dang/ 0755; mkdir @empty 0755; mkdir closed/x 0755; mkdir new3 02755", ""},
	{"rmdir nd; rmdir nd; rmdir d; rmdir f; rmdir lf; rmdir ld; rmdir .; rmdir ..; rmdir missing; rmdir f/x", ""},
	{"rmdir nd/; rmdir d/e/.; rmdir d/e/..; rmdir ld/; rmdir @empty; rmdir /", ""},
	{"unlink f; unlink f; unlink d; unlink nd; unlink lf; unlink dang; unlink loop; unlink fifo; unlink sock; unlink h1", ""},
	{"unlink f/; unlink d/; unlink lf/; unlink missing/; unlink .; unlink d/.; unlink d/..; unlink f/x; unlink ld/f; unlink @empty", ""},
	{"unlinkat AT_FDCWD nd AT_REMOVEDIR; unlinkat AT_FDCWD f AT_REMOVEDIR; unlinkat AT_FDCWD f 0x1; unlinkat AT_FDCWD f AT_SYMLINK_FOLLOW; unlinkat AT_FDCWD f AT_EMPTY_PATH", ""},
	{"open f O_RDWR; unlink f; write 3 x; fstat 3; open f O_RDONLY; open f O_WRONLY|O_CREAT|O_EXCL 0600", ""},

	{"rename f new; rename f new; rename new f; oldrename f new; renameat AT_FDCWD new AT_FDCWD f", ""},
	{"rename f ro; rename ro f; rename f f; rename h1 h2; rename h1 new", ""},
	{"rename d new; rename new nd; rename nd/e e; rename e nd", ""},
	{"rename f d; rename d f; rename f nd; rename d lf; rename nd missing/x; rename d d/e/x; rename d d/new; rename d/e d", ""},
	{"rename f d/new; rename d/e new; rename d/f f; rename d nd; rename nd/new d", ""},
	{"rename lf new; rename ld new2; rename dang new3; rename f ld; rename new4 loop; rename loop new4", ""},
	{"rename f/ new; rename f new/; rename d/ new/; rename new/ d; rename ld/ new2; rename missing/ x; rename f d/", ""},
	{"rename . new; rename d .; rename d ..; rename d/. new; rename d/.. new; rename .. new; rename @empty new; rename f @empty; rename / new; rename f /", ""},
	{"rename fifo new; rename sock new; rename new f; rename nd d/e; rename d/e/g nd", ""},
	{"rename ld/f ld/g; rename labsd/g lf; rename f closed/x; rename closed/f new; rename closed new", ""},
	{"renameat2 AT_FDCWD f AT_FDCWD ro RENAME_NOREPLACE; renameat2 AT_FDCWD f AT_FDCWD new RENAME_NOREPLACE; renameat2 AT_FDCWD missing AT_FDCWD ro RENAME_NOREPLACE", ""},
	{"renameat2 AT_FDCWD f AT_FDCWD ro RENAME_EXCHANGE; renameat2 AT_FDCWD f AT_FDCWD d RENAME_EXCHANGE; renameat2 AT_FDCWD f AT_FDCWD new RENAME_EXCHANGE; renameat2 AT_FDCWD lf AT_FDCWD nd RENAME_EXCHANGE", ""},
	{"renameat2 AT_FDCWD d/e AT_FDCWD f RENAME_EXCHANGE; renameat2 AT_FDCWD d AT_FDCWD d/f RENAME_EXCHANGE; renameat2 AT_FDCWD d/f AT_FDCWD nd RENAME_EXCHANGE", ""},
	{"renameat2 AT_FDCWD f AT_FDCWD new RENAME_WHITEOUT", "EPERM"},
	{"renameat2 AT_FDCWD f AT_FDCWD new RENAME_NOREPLACE|RENAME_EXCHANGE; renameat2 AT_FDCWD f AT_FDCWD new 8; renameat2 AT_FDCWD f AT_FDCWD new 0x80000000", ""},
	{"renameat2 AT_FDCWD f AT_FDCWD new RENAME_EXCHANGE|RENAME_WHITEOUT; renameat2 AT_FDCWD f AT_FDCWD new -1; renameat2 AT_FDCWD f AT_FDCWD new 0x100000001", "EPERM; EPERM; 0"},
	{"open f O_RDONLY; rename f new; open f O_WRONLY|O_CREAT 0644; write 4 new; rename f new; read 3; open new O_RDONLY; read 5", ""},

	{"link f new; link f new; link f ro; link missing new2; link d new3; link f new4/; link f missing/x; link f/ new5", ""},
	{"link lf new; link dang new2; link loop new3; link fifo new4; link sock new5; link f d/new; link d/f new6; link h1 h3", ""},
	{"linkat AT_FDCWD lf AT_FDCWD new AT_SYMLINK_FOLLOW; linkat AT_FDCWD lf AT_FDCWD new2 0; linkat AT_FDCWD dang AT_FDCWD new3 AT_SYMLINK_FOLLOW; linkat AT_FDCWD ld AT_FDCWD new4 AT_SYMLINK_FOLLOW", ""},
	{"linkat AT_FDCWD f AT_FDCWD new 1; linkat AT_FDCWD f AT_FDCWD new AT_SYMLINK_NOFOLLOW; linkat AT_FDCWD @empty AT_FDCWD new 0; linkat AT_FDCWD @empty AT_FDCWD new AT_EMPTY_PATH", ""},
	{"open f O_RDONLY; linkat 3 @empty AT_FDCWD new AT_EMPTY_PATH; linkat 3 @empty AT_FDCWD new2 0; linkat AT_FDCWD /proc/self/fd/3 AT_FDCWD new3 0", ""},
	{"open f O_RDONLY; linkat AT_FDCWD /proc/self/fd/3 AT_FDCWD new AT_SYMLINK_FOLLOW; open f O_PATH; linkat 4 @empty AT_FDCWD new2 AT_EMPTY_PATH", ""},
	{"link f @empty; link @empty new; link f .; link f ..; link . new; link f closed/x; link closed/f x", ""},
	{"link f dang; link f lf; link f loop; link f ld/new; link labsd/f new; linkat AT_FDCWD loop AT_FDCWD new2 AT_SYMLINK_FOLLOW", ""},

	{"symlink target new; symlink target new; symlink target f; symlink target d; symlink target dang; symlink @empty new2; symlink target @empty", ""},
	{"symlink target new/; symlink target missing/x; symlink /etc/shadow new2; symlink x ld/new; symlink target f/x; symlink target closed/x; symlink f ./new3", ""},
	{"symlink @name:4095 new; symlink @path:4096 new2; symlink @name:256 new3; symlinkat f AT_FDCWD new4; open new4 O_RDONLY; read 3", ""},

	{"mknod new S_IFIFO|0644 0; mknod new2 S_IFREG|0644 0; mknod new3 0644 0; mknod new4 S_IFSOCK|0644 0; mknod new S_IFIFO 0; mknod f S_IFREG|0644 0", ""},
	{"mknod new S_IFDIR|0755 0; mknod new S_IFLNK|0777 0; mknod new 0170000 0; mknod new2/ S_IFIFO|0644 0; mknod missing/x S_IFIFO 0; mknod dang S_IFREG|0644 0", ""},
	{"mknod new S_IFREG|0644 5; mknod new2 S_IFIFO|0644 5; mknod ld/new3 S_IFREG|0600 0; mknod @empty S_IFIFO 0; mknod . S_IFIFO 0; mknod f/x S_IFIFO 0", ""},
	{"mknod new S_IFIFO|04644 0; mknod new2 S_IFREG|04644 0", "EPERM; EPERM"},    // setuid
	{"mkdir new 04755; mkdir new2 07777; mkdir new3 0100755; mkdir new4 -1", ""}, // the kernel leaves setuid out
	{"umask 0; mknod new S_IFIFO|0666 0; open new O_RDWR; write 3 x; read 3; mknodat AT_FDCWD new2 S_IFREG|0666 0; open new2 O_WRONLY", ""},

	{"truncate f 2; truncate empty 9; truncate ro 0; truncate missing 0; truncate d 0; truncate lf 1; truncate f -1", ""},
	{"truncate f/ 0; truncate dang 0; truncate loop 0; truncate fifo 0; truncate sock 0; truncate @empty 0; truncate f/x 0; truncate closed/f 0; truncate wo 1", ""},
	{"truncate h1 3; truncate none 0; truncate x 4; truncate f 0x7fffffffffffffff; truncate f 1000000", ""},
}
