// probe does one operation and says how it ended: "ok", or the errno's name.
// It exits with 0 after ok, 1 after a refusal, 2 when the question was wrong.
// It is C because a Go program cannot start without threads.
//
//   probe OPERATION [ARGUMENT...] [, OPERATION [ARGUMENT...]]...
//
// Operations that are separated by "," are done in turn, a line each; the exit
// status is that of the last one.
#define _GNU_SOURCE
#ifndef STATIC
#include <dlfcn.h>
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <dirent.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

typedef int (*op)(char **a); // 0: ok, else -1 and errno

static long number(const char *s) { return strtol(s, NULL, 0); }

static int opened(int fd) {
	if (fd < 0) return -1;
	close(fd);
	return 0;
}
static int do_read(char **a) {
	char b[1];
	int fd = open(a[0], O_RDONLY | O_NONBLOCK);
	if (fd < 0) return -1;
	ssize_t n = read(fd, b, 1);
	int e = errno;
	close(fd);
	errno = e;
	return n < 0 && e != EAGAIN && e != EISDIR ? -1 : 0;
}
static int do_cat(char **a) {
	char b[4096];
	int fd = open(a[0], O_RDONLY);
	if (fd < 0) return -1;
	for (ssize_t n; (n = read(fd, b, sizeof b)) > 0;) fwrite(b, 1, n, stdout);
	return opened(fd);
}
static int do_list(char **a) {
	DIR *d = opendir(a[0]);
	if (!d) return -1;
	errno = 0;
	readdir(d);
	closedir(d);
	return 0;
}
static int do_write(char **a) { return opened(open(a[0], O_WRONLY)); }
static int do_open(char **a) { return opened(open(a[0], O_RDONLY | O_NONBLOCK)); }
static int do_opencreate(char **a) { return opened(open(a[0], O_WRONLY | O_CREAT | O_NONBLOCK, 0644)); }
static int do_rdwr(char **a) { return opened(open(a[0], O_RDWR)); }
static int do_create(char **a) { return opened(open(a[0], O_WRONLY | O_CREAT, 0666)); }
static int do_createmode(char **a) { return opened(open(a[0], O_WRONLY | O_CREAT, number(a[1]))); }
static int do_opentrunc(char **a) { return opened(open(a[0], O_RDONLY | O_TRUNC)); }
static int do_opencreatetrunc(char **a) { return opened(open(a[0], O_RDONLY | O_CREAT | O_TRUNC, 0600)); }
static int do_openwritetrunc(char **a) { return opened(open(a[0], O_WRONLY | O_CREAT | O_TRUNC, 0600)); }
static int do_truncate(char **a) { return truncate(a[0], 0); }
static int do_opath(char **a) { return opened(open(a[0], O_PATH)); }
static int do_stat(char **a) { struct stat st; return stat(a[0], &st); }
static int do_unlink(char **a) { return unlink(a[0]); }
static int do_mkdir(char **a) { return mkdir(a[0], 0777); }
static int do_rmdir(char **a) { return rmdir(a[0]); }
static int do_rename(char **a) { return rename(a[0], a[1]); }
static int do_link(char **a) { return link(a[0], a[1]); }
static int do_symlink(char **a) { return symlink(a[0], a[1]); }
static int do_mkfifo(char **a) { return mkfifo(a[0], 0666); }
static int do_mknod(char **a) { return mknod(a[0], number(a[1]), number(a[2])); }
static int do_tmpfile(char **a) { return opened(open(a[0], O_TMPFILE | O_RDWR, 0600)); }
static int do_openmode(char **a) { return opened(open(a[0], number(a[1]))); }
static int do_chdir(char **a) { return chdir(a[0]); }
static int do_chmod(char **a) { return chmod(a[0], number(a[1])); }
static int do_fchmodat(char **a) { return syscall(SYS_fchmodat, AT_FDCWD, a[0], number(a[1])); }
static int do_fchmodat2(char **a) { return syscall(452, AT_FDCWD, a[0], number(a[1]), number(a[2])); }
static int on_fd(char *path, int flags, int (*f)(int, char **), char **a) {
	int fd = open(path, flags);
	if (fd < 0) return -1;
	int r = f(fd, a), e = errno;
	close(fd);
	errno = e;
	return r;
}
static int fd_chmod(int fd, char **a) { return fchmod(fd, number(a[0])); }
static int do_fchmodmode(char **a) { return on_fd(a[0], number(a[1]), fd_chmod, a + 2); }
static int do_fchmod(char **a) { return on_fd(a[0], O_RDONLY, fd_chmod, a + 1); }
static int do_fchmodw(char **a) { return on_fd(a[0], O_WRONLY, fd_chmod, a + 1); }
static int do_fchmodpath(char **a) { return on_fd(a[0], O_PATH, fd_chmod, a + 1); }
static int do_fchmodn(char **a) { return fchmod(number(a[0]), number(a[1])); }
static int do_chown(char **a) { return chown(a[0], number(a[1]), number(a[2])); }
static int do_lchown(char **a) { return lchown(a[0], number(a[1]), number(a[2])); }
static int fd_chown(int fd, char **a) { return fchown(fd, number(a[0]), number(a[1])); }
static int do_fchown(char **a) { return on_fd(a[0], O_RDONLY, fd_chown, a + 1); }
static int do_utime(char **a) { struct utimbuf t = {1, 2}; return utime(a[0], &t); }
static int do_utimes(char **a) { struct timeval t[2] = {{1, 3}, {2, 4}}; return utimes(a[0], t); }
static int do_utimensat(char **a) { struct timespec t[2] = {{1, 0}, {2, 0}}; return utimensat(AT_FDCWD, a[0], t, 0); }
static int do_utimenow(char **a) { return utimensat(AT_FDCWD, a[0], NULL, 0); }
static int fd_utime(int fd, char **a) { struct timespec t[2] = {{1, 0}, {2, 0}}; (void)a; return futimens(fd, t); }
static int do_futimens(char **a) { return on_fd(a[0], O_RDONLY, fd_utime, a + 1); }
static int do_setxattr(char **a) { return setxattr(a[0], a[1], "x", 1, 0); }
static int do_lsetxattr(char **a) { return lsetxattr(a[0], a[1], "x", 1, 0); }
static int fd_setxattr(int fd, char **a) { return fsetxattr(fd, a[0], "x", 1, 0); }
static int do_fsetxattr(char **a) { return on_fd(a[0], O_RDONLY, fd_setxattr, a + 1); }
static int do_removexattr(char **a) { return removexattr(a[0], a[1]); }
static int fd_chattr(int fd, char **a) {
	int v;
	(void)a;
	if (ioctl(fd, _IOR('f', 1, long), &v) < 0) return -1;
	v |= 0x80; // FS_NOATIME_FL
	return ioctl(fd, _IOW('f', 2, long), &v);
}
static int do_chattr(char **a) { return on_fd(a[0], O_RDONLY, fd_chattr, a + 1); }
static int do_creat(char **a) { return opened(creat(a[0], number(a[1]))); }
struct how { uint64_t flags, mode, resolve; };
static int do_openat2(char **a) {
	struct how h = {O_WRONLY | O_CREAT, number(a[1]), 0};
	return opened(syscall(SYS_openat2, AT_FDCWD, a[0], &h, sizeof h));
}
static int do_openat2read(char **a) {
	struct how h = {O_RDONLY, 0, 0};
	return opened(syscall(SYS_openat2, AT_FDCWD, a[0], &h, sizeof h));
}
static int do_openat2trunc(char **a) {
	struct how h = {O_RDONLY | O_TRUNC, 0, 0};
	return opened(syscall(SYS_openat2, AT_FDCWD, a[0], &h, sizeof h));
}

// waited returns 0 if the child ended with status 0, else its errno.
static int waited(pid_t pid) {
	int st;
	if (pid < 0) return -1;
	while (waitpid(pid, &st, __WALL) < 0)
		if (errno != EINTR) return -1;
	if (WIFEXITED(st) && WEXITSTATUS(st) == 0) return 0;
	errno = WIFEXITED(st) ? WEXITSTATUS(st) : ECHILD;
	return -1;
}
static int do_fork(char **a) { (void)a; pid_t p = fork(); if (p == 0) _exit(0); return waited(p); }
#ifdef SYS_fork
static int do_oldfork(char **a) { (void)a; pid_t p = syscall(SYS_fork); if (p == 0) _exit(0); return waited(p); }
#endif
static int do_vfork(char **a) { (void)a; pid_t p = vfork(); if (p == 0) _exit(0); return waited(p); }
static int do_spawn(char **a) {
	pid_t p = fork();
	if (p == 0) { execv(a[0], a); _exit(errno); }
	return waited(p);
}
// do_chain forks and executes itself, and the parent ends, as long as a file is
// there, for a minute at most: no process of it lives long enough to be killed by its pid.
static int do_chain(char **a) {
	struct stat st;
	char *argv[] = {"chain", "chain", a[0], NULL};
	if (stat(a[0], &st) < 0 || time(NULL) - st.st_ctime > 60) return -1;
	pid_t p = fork();
	if (p < 0) return -1;
	if (p > 0) _exit(0);
	execv("/proc/self/exe", argv);
	return -1;
}
// do_daemon leaves its session and its parent, and then waits for a file to go.
static int do_daemon(char **a) {
	struct stat st;
	if (fork() > 0) return 0;
	setsid();
	if (fork() > 0) _exit(0);
	while (stat(a[0], &st) == 0 && time(NULL) - st.st_ctime < 60) usleep(1000);
	_exit(0);
}
// do_inthread does an operation in another thread, and says its number.
static char **inthread;
static int threaded;
static int operate(char **a);
static void *operated(void *x) { printf("%d ", gettid()), fflush(stdout); threaded = operate(inthread) == 0 ? 0 : errno; return x; }
static int do_inthread(char **a) {
	pthread_t t;
	inthread = a;
	errno = pthread_create(&t, NULL, operated, NULL);
	if (errno) return -1;
	pthread_join(t, NULL);
	errno = threaded;
	return threaded ? -1 : 0;
}
// do_inchild does an operation in a child, and says its number.
static int do_inchild(char **a) {
	pid_t p = fork();
	if (p == 0) {
		printf("%d ", getpid()), fflush(stdout);
		_exit(operate(a) == 0 ? 0 : errno);
	}
	return waited(p);
}
// do_flood is denied something as often as it is told: half of it a socket, half of
// it a new file with another name each time.
static int do_flood(char **a) {
	char path[4096];
	for (long i = 0; i < number(a[0]); i++) {
		snprintf(path, sizeof path, "%s/%ld", a[1], i);
		int fd = i % 2 ? open(path, O_WRONLY | O_CREAT, 0644) : socket(AF_INET, SOCK_STREAM, 0);
		if (fd >= 0 || (errno != EACCES && errno != EPERM)) return -1;
	}
	return 0;
}
static int do_exec(char **a) { execv(a[0], a); return -1; }
static int do_execveat(char **a) {
	int fd = open(a[0], O_PATH);
	if (fd < 0) return -1;
	syscall(SYS_execveat, fd, "", a, environ, AT_EMPTY_PATH);
	return -1;
}
static int memfd(unsigned flags, char *from) {
	int fd = memfd_create("probe", flags), in = open(from, O_RDONLY);
	if (fd < 0 || in < 0) return -1;
	char b[4096];
	for (ssize_t n; (n = read(in, b, sizeof b)) > 0;) if (write(fd, b, n) != n) return -1;
	close(in);
	return fd;
}
static int do_memfd(char **a) { return opened(memfd_create("probe", number(a[0]))); }
static int do_memfdexec(char **a) {
	int fd = memfd(0, a[0]);
	if (fd < 0) return -1;
	fexecve(fd, a, environ);
	return -1;
}
static void *nothing(void *x) { return x; }
static int do_thread(char **a) {
	pthread_t t;
	(void)a;
	errno = pthread_create(&t, NULL, nothing, NULL);
	if (errno) return -1;
	return pthread_join(t, NULL);
}
// do_racechmod changes the mode of a path that another thread exchanges all the
// time, and of a descriptor that it exchanges too.
static char racing[4096], *racepaths[2];
static int racefd[2], done;
static void *exchange(void *x) {
	for (int i = 0; !__atomic_load_n(&done, __ATOMIC_RELAXED); i++) {
		strcpy(racing, racepaths[i & 1]);
		dup2(racefd[i & 1], 100);
	}
	return x;
}
static int do_racechmod(char **a) {
	pthread_t t;
	long changed = 0;
	for (int i = 0; i < 2; i++) {
		racepaths[i] = a[i];
		racefd[i] = open(a[i], O_RDONLY);
		if (racefd[i] < 0) return -1;
	}
	errno = pthread_create(&t, NULL, exchange, NULL);
	if (errno) return -1;
	for (long n = number(a[2]); n > 0; n--) changed += (chmod(racing, 0601) == 0) + (fchmod(100, 0601) == 0);
	__atomic_store_n(&done, 1, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	printf("changed %ld\n", changed);
	return 0;
}
static char stack[65536];
static int leave(void *x) { (void)x; return 0; }
static int do_clone(char **a) { return waited(clone(leave, stack + sizeof stack, number(a[0]) | SIGCHLD, NULL)); }
static int do_clone3(char **a) { (void)a; return syscall(435, NULL, 0) < 0 ? -1 : 0; }
static int do_unshare(char **a) { return unshare(number(a[0])); }
static int map_exec(int fd, char **a) {
	(void)a;
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	return p == MAP_FAILED ? -1 : munmap(p, 4096);
}
static int do_mapexec(char **a) { return on_fd(a[0], O_RDONLY, map_exec, a); }
static int do_mapmemfd(char **a) { int fd = memfd(0, a[0]); return fd < 0 ? -1 : map_exec(fd, a); }
#ifndef STATIC
static int do_dlopen(char **a) { if (dlopen(a[0], RTLD_NOW)) return 0; errno = ELIBACC; return -1; }
#endif
static int do_jit(char **a) {
	(void)a;
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
static int do_socket(char **a) { return opened(socket(number(a[0]), number(a[1]), number(a[2]))); }
static int do_socketpair(char **a) {
	int fd[2];
	return socketpair(number(a[0]), number(a[1]), number(a[2]), fd);
}
static int do_connectunix(char **a) {
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	strncpy(sa.sun_path, a[0], sizeof sa.sun_path - 1);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	return fd < 0 ? -1 : connect(fd, (void *)&sa, sizeof sa);
}
static struct sockaddr_in loop(char *port) {
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(number(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return sa;
}
static int do_connect(char **a) {
	struct sockaddr_in sa = loop(a[0]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return fd < 0 ? -1 : connect(fd, (void *)&sa, sizeof sa);
}
static int do_listen(char **a) {
	struct sockaddr_in sa = loop("0");
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	(void)a;
	if (fd < 0 || bind(fd, (void *)&sa, sizeof sa) < 0) return -1;
	return listen(fd, 1);
}
static int do_udp(char **a) {
	struct sockaddr_in sa = loop(a[0]);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	return fd < 0 ? -1 : (sendto(fd, "x", 1, 0, (void *)&sa, sizeof sa) == 1 ? 0 : -1);
}
static int do_connectfd(char **a) {
	struct sockaddr_in sa = loop(a[1]);
	return connect(number(a[0]), (void *)&sa, sizeof sa);
}
// do_sendpair sends a datagram to a socket file through one end of a pair.
static int do_sendpair(char **a) {
	int fd[2];
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	strncpy(sa.sun_path, a[0], sizeof sa.sun_path - 1);
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) < 0) return -1;
	return sendto(fd[0], "x", 1, 0, (void *)&sa, sizeof sa) == 1 ? 0 : -1;
}
static int do_kill(char **a) { return kill(number(a[0]), number(a[1])); }
static int do_tgkill(char **a) { return syscall(SYS_tgkill, number(a[0]), number(a[1]), number(a[2])); }
static int do_tkill(char **a) { return syscall(SYS_tkill, number(a[0]), number(a[1])); }
static int do_pidfdsignal(char **a) {
	int fd = syscall(SYS_pidfd_open, number(a[0]), 0);
	return fd < 0 ? -1 : syscall(SYS_pidfd_send_signal, fd, number(a[1]), NULL, 0);
}
static int do_pidfdgetfd(char **a) {
	int fd = syscall(SYS_pidfd_open, number(a[0]), 0);
	return fd < 0 ? -1 : opened(syscall(SYS_pidfd_getfd, fd, number(a[1]), 0));
}
static int do_ptrace(char **a) { return ptrace(PTRACE_SEIZE, number(a[0]), 0, 0); }
static int do_traceme(char **a) { (void)a; return ptrace(PTRACE_TRACEME, 0, 0, 0); }
static int do_vmread(char **a) {
	char b[1];
	static char mine[1];
	pid_t pid = number(a[0]) ? number(a[0]) : getpid();
	struct iovec l = {b, 1}, r = {mine, 1};
	return process_vm_readv(pid, &l, 1, &r, 1, 0) < 0 ? -1 : 0;
}
static int do_prlimit(char **a) { struct rlimit r; return prlimit(number(a[0]), RLIMIT_NOFILE, NULL, &r); }
static int do_setpriority(char **a) { return setpriority(PRIO_PROCESS, number(a[0]), 10); }
static int do_ioctl(char **a) {
	static char arg[256] = "x";
	return syscall(SYS_ioctl, (long)number(a[0]), (unsigned long)strtoull(a[1], NULL, 0), arg) < 0 ? -1 : 0;
}
// value reads an argument of a call: a number, a path or =TEXT (its address), @pid,
// or @zero (the address of bytes that are all zero).
static unsigned long value(char *s) {
	static char zero[4096];
	if (*s == '/' || *s == '=') return (unsigned long)(s + (*s == '='));
	if (strcmp(s, "@pid") == 0) return getpid();
	if (strcmp(s, "@zero") == 0) return (unsigned long)zero;
	return strtoull(s, NULL, 0);
}
static int do_syscall(char **a) {
	unsigned long v[7] = {0};
	for (int i = 0; i < 7 && a[i]; i++) v[i] = value(a[i]);
	return syscall(v[0], v[1], v[2], v[3], v[4], v[5], v[6]) < 0 ? -1 : 0;
}
// do_cleanup has the program make a file when it ends, whatever way ends it that
// lets code of it run.
static char *cleanup;
static void clean(void) { close(open(cleanup, O_WRONLY | O_CREAT, 0666)); }
static void clean_and_leave(int s) { clean(); _exit(s); }
static int do_cleanup(char **a) {
	cleanup = a[0];
	for (int s = 1; s < NSIG; s++) signal(s, clean_and_leave); // SIGKILL and SIGSTOP cannot be caught
	return atexit(clean);
}
static int do_prctl(char **a) { return prctl(number(a[0]), number(a[1]), 0, 0, 0) < 0 ? -1 : 0; }
static int do_getenv(char **a) { if (getenv(a[0])) return 0; errno = ENOENT; return -1; }
static int do_personality(char **a) { (void)a; printf("%lx\n", syscall(SYS_personality, 0xffffffff)); return 0; }
static int do_umask(char **a) { (void)a; printf("%03o\n", umask(0)); return 0; }
static int do_rlimit(char **a) {
	struct rlimit r;
	if (getrlimit(number(a[0]), &r) < 0) return -1;
	printf("%ld %ld\n", (long)r.rlim_cur, (long)r.rlim_max);
	return 0;
}
static int do_fds(char **a) {
	(void)a;
	for (int fd = 0; fd < 1024; fd++) if (fcntl(fd, F_GETFD) >= 0) printf("%d ", fd);
	printf("\n");
	return 0;
}
static int do_ids(char **a) { (void)a; printf("%d %d\n", getpid(), getppid()); return 0; }
static int do_ignored(char **a) {
	struct sigaction sa;
	if (sigaction(number(a[0]), NULL, &sa) < 0) return -1;
	if (sa.sa_handler == SIG_IGN) return 0;
	errno = ENOENT;
	return -1;
}
static int do_raise(char **a) { raise(number(a[0])); return 0; }
static int do_exit(char **a) { exit(number(a[0])); }
static int do_sleep(char **a) { usleep(1000 * number(a[0])); return 0; }
static int do_echo(char **a) { printf("%s\n", a[0]); return 0; }
#ifdef __x86_64__
static int do_int80(char **a) {
	long r;
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(number(a[0])), "b"(0), "c"(0), "d"(0) : "memory");
	errno = -r;
	return r < 0 ? -1 : 0;
}
#endif

static const struct { const char *name; int args; op run; } ops[] = {
	{"read", 1, do_read}, {"open", 1, do_open}, {"opencreate", 1, do_opencreate}, {"cat", 1, do_cat}, {"list", 1, do_list}, {"write", 1, do_write}, {"rdwr", 1, do_rdwr},
	{"create", 1, do_create}, {"createmode", 2, do_createmode}, {"opentrunc", 1, do_opentrunc}, {"opencreatetrunc", 1, do_opencreatetrunc}, {"openwritetrunc", 1, do_openwritetrunc}, {"truncate", 1, do_truncate},
	{"opath", 1, do_opath}, {"stat", 1, do_stat}, {"unlink", 1, do_unlink}, {"mkdir", 1, do_mkdir}, {"rmdir", 1, do_rmdir},
	{"rename", 2, do_rename}, {"link", 2, do_link}, {"symlink", 2, do_symlink}, {"mkfifo", 1, do_mkfifo}, {"mknod", 3, do_mknod},
	{"tmpfile", 1, do_tmpfile}, {"chdir", 1, do_chdir}, {"openmode", 2, do_openmode}, {"fchmodmode", 3, do_fchmodmode}, {"chmod", 2, do_chmod}, {"fchmodat", 2, do_fchmodat},
	{"fchmodat2", 3, do_fchmodat2}, {"fchmod", 2, do_fchmod}, {"fchmodw", 2, do_fchmodw}, {"fchmodpath", 2, do_fchmodpath},
	{"fchmodn", 2, do_fchmodn}, {"chown", 3, do_chown}, {"lchown", 3, do_lchown}, {"fchown", 3, do_fchown}, {"utime", 1, do_utime},
	{"utimes", 1, do_utimes}, {"utimensat", 1, do_utimensat}, {"utimenow", 1, do_utimenow}, {"futimens", 1, do_futimens},
	{"setxattr", 2, do_setxattr}, {"lsetxattr", 2, do_lsetxattr}, {"fsetxattr", 2, do_fsetxattr}, {"removexattr", 2, do_removexattr},
	{"chattr", 1, do_chattr}, {"racechmod", 3, do_racechmod}, {"creat", 2, do_creat}, {"openat2", 2, do_openat2}, {"openat2read", 1, do_openat2read}, {"openat2trunc", 1, do_openat2trunc},
	{"fork", 0, do_fork}, {"vfork", 0, do_vfork}, {"spawn", -1, do_spawn}, {"exec", -1, do_exec}, {"flood", 2, do_flood}, {"chain", 1, do_chain}, {"daemon", 1, do_daemon}, {"inthread", -1, do_inthread}, {"inchild", -1, do_inchild}, {"execveat", -1, do_execveat},
	{"memfd", 1, do_memfd}, {"memfdexec", -1, do_memfdexec}, {"thread", 0, do_thread}, {"clone", 1, do_clone}, {"clone3", 0, do_clone3},
	{"unshare", 1, do_unshare}, {"mapexec", 1, do_mapexec}, {"mapmemfd", 1, do_mapmemfd}, {"jit", 0, do_jit},
#ifndef STATIC
	{"dlopen", 1, do_dlopen},
#endif
	{"socket", 3, do_socket}, {"socketpair", 3, do_socketpair}, {"connectunix", 1, do_connectunix}, {"connect", 1, do_connect},
	{"listen", 0, do_listen}, {"udp", 1, do_udp}, {"connectfd", 2, do_connectfd}, {"sendpair", 1, do_sendpair}, {"kill", 2, do_kill},
	{"tgkill", 3, do_tgkill}, {"tkill", 2, do_tkill}, {"pidfdsignal", 2, do_pidfdsignal}, {"pidfdgetfd", 2, do_pidfdgetfd},
	{"ptrace", 1, do_ptrace}, {"traceme", 0, do_traceme}, {"vmread", 1, do_vmread}, {"prlimit", 1, do_prlimit},
	{"setpriority", 1, do_setpriority}, {"ioctl", 2, do_ioctl}, {"syscall", -1, do_syscall}, {"cleanup", 1, do_cleanup}, {"prctl", 2, do_prctl},
	{"getenv", 1, do_getenv}, {"umask", 0, do_umask}, {"personality", 0, do_personality}, {"rlimit", 1, do_rlimit}, {"fds", 0, do_fds}, {"ids", 0, do_ids},
	{"ignored", 1, do_ignored}, {"raise", 1, do_raise}, {"exit", 1, do_exit}, {"sleep", 1, do_sleep}, {"echo", 1, do_echo},
#ifdef SYS_fork
	{"oldfork", 0, do_oldfork},
#endif
#ifdef __x86_64__
	{"int80", 1, do_int80},
#endif
};

// operate does an operation without a word about it.
static int operate(char **a) {
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (strcmp(ops[i].name, a[0]) == 0) return ops[i].run(a + 1);
	exit(2);
}

static int run(int argc, char **argv) {
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		if (strcmp(ops[i].name, argv[0]) != 0) continue;
		if (ops[i].args >= 0 && ops[i].args != argc - 1) break;
		fflush(stdout);
		if (ops[i].run(argv + 1) == 0) {
			printf("ok\n");
			fflush(stdout);
			return 0;
		}
		const char *name = strerrorname_np(errno);
		printf("%s\n", name ? name : "?");
		fflush(stdout);
		return 1;
	}
	fprintf(stderr, "probe: no operation %s with %d arguments\n", argv[0], argc - 1);
	exit(2);
}

int main(int argc, char **argv) {
	int status = 2, start = 1;
	for (int i = 1; i <= argc; i++) {
		if (i < argc && strcmp(argv[i], ",") != 0) continue;
		argv[i] = NULL;
		if (i > start) status = run(i - start, argv + start);
		start = i + 1;
	}
	return status;
}
