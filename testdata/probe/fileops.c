// fileops does system calls on files, as scripts on its standard input tell it,
// and prints what each of them returned. The same scripts are run with and without
// sandrun, and the answers compared.
//
//   fileops [-drop]
//
// Each line of input is: NAME, tab, DIRECTORY, tab, CALL; CALL; ... The calls are
// made in DIRECTORY. The answer is a line: NAME, tab, and a result for each call: a
// number, the name of an errno, or what a call that looks at something saw. A script
// starts with umask 022 and no descriptor above 2. With -drop the program gives up
// every capability first, as sandrun does.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct { const char *name; long value; } symbols[] = {
#define S(x) {#x, x},
	S(AT_FDCWD) S(AT_REMOVEDIR) S(AT_SYMLINK_FOLLOW) S(AT_SYMLINK_NOFOLLOW) S(AT_EMPTY_PATH)
	S(O_RDONLY) S(O_WRONLY) S(O_RDWR) S(O_CREAT) S(O_EXCL) S(O_NOCTTY) S(O_TRUNC) S(O_APPEND) S(O_NONBLOCK) S(O_DSYNC) S(O_SYNC)
	S(O_DIRECTORY) S(O_NOFOLLOW) S(O_CLOEXEC) S(O_TMPFILE) S(O_PATH) S(O_NOATIME) S(O_DIRECT) S(O_ASYNC)
	S(RESOLVE_NO_XDEV) S(RESOLVE_NO_MAGICLINKS) S(RESOLVE_NO_SYMLINKS) S(RESOLVE_BENEATH) S(RESOLVE_IN_ROOT) S(RESOLVE_CACHED)
	S(RENAME_NOREPLACE) S(RENAME_EXCHANGE) S(RENAME_WHITEOUT) S(S_IFIFO) S(S_IFREG) S(S_IFSOCK) S(S_IFCHR) S(S_IFBLK) S(S_IFDIR) S(S_IFLNK)
	S(PROT_READ) S(PROT_WRITE) S(PROT_EXEC)
#undef S
};

// number reads NAME|NAME|0x10.
static long number(const char *s) {
	long v = 0;
	while (s && *s) {
		size_t n = strcspn(s, "|"), i;
		for (i = 0; i < sizeof symbols / sizeof *symbols; i++)
			if (strlen(symbols[i].name) == n && memcmp(symbols[i].name, s, n) == 0) break;
		v |= i < sizeof symbols / sizeof *symbols ? symbols[i].value : (long)strtoull(s, NULL, 0);
		s += n + (s[n] == '|');
	}
	return v;
}

static char *directory; // of the script that runs
static char *page;      // one page, and after it one that cannot be touched

// filled replaces %D (the directory), %P (the process), %T (the thread), %S (a blank).
static char *filled(const char *s) {
	static char pool[8][2 * PATH_MAX];
	static int next;
	char *out = pool[next++ % 8], *end = out;
	for (; *s; s++) {
		if (s[0] == '%' && s[1] == 'D') end += sprintf(end, "%s", directory), s++;
		else if (s[0] == '%' && s[1] == 'P') end += sprintf(end, "%d", getpid()), s++;
		else if (s[0] == '%' && s[1] == 'T') end += sprintf(end, "%d", gettid()), s++;
		else if (s[0] == '%' && s[1] == 'S') *end++ = ' ', s++;
		else *end++ = *s;
	}
	*end = 0;
	return out;
}

// path reads a path, or the name of an odd one.
static char *path(const char *s) {
	static char odd[1 << 20];
	if (!s || s[0] != '@') return s ? filled(s) : NULL;
	const char *arg = strchr(s, ':');
	arg = arg ? arg + 1 : "";
	long n = strtol(arg, NULL, 10);
	if (strcmp(s, "@null") == 0) return NULL;
	if (strcmp(s, "@empty") == 0) return "";
	if (strcmp(s, "@unmapped") == 0) return (char *)8;
	if (strcmp(s, "@kernel") == 0) return (char *)0xffff800000000000UL;
	if (strcmp(s, "@huge") == 0) return memset(odd, 'a', sizeof odd);
	if (strncmp(s, "@end:", 5) == 0) { // the last byte of the page is the NUL
		const char *text = filled(arg);
		return strcpy(page + 4096 - strlen(text) - 1, text);
	}
	if (strncmp(s, "@cut:", 5) == 0) return memcpy(page + 4096 - strlen(arg), arg, strlen(arg)); // there is no NUL
	memset(odd, 0, 8192);
	if (strncmp(s, "@name:", 6) == 0) return memset(odd, 'n', n), odd;
	if (strncmp(s, "@path:", 6) == 0) { // ./././f, n bytes long
		for (long i = 0; i < n - 1; i++) odd[i] = i % 2 ? '/' : '.';
		if (n % 2 == 0) odd[n - 2] = '/';
		odd[n - 1] = 'f';
		return odd;
	}
	fprintf(stderr, "fileops: no path %s\n", s);
	exit(2);
}

// Calls. Each returns what the system call returned, or -1 and errno, or QUIET if
// it has printed what it saw.
#define QUIET (-1000)
typedef long (*call)(char **a);

static long c_umask(char **a) { umask(number(a[0])); return 0; }
static long c_open(char **a) {
#ifdef SYS_open
	return syscall(SYS_open, path(a[0]), number(a[1]), number(a[2]));
#else
	return syscall(SYS_openat, AT_FDCWD, path(a[0]), number(a[1]), number(a[2]));
#endif
}
static long c_openat(char **a) { return syscall(SYS_openat, number(a[0]), path(a[1]), number(a[2]), number(a[3])); }
static long c_creat(char **a) {
#ifdef SYS_creat
	return syscall(SYS_creat, path(a[0]), number(a[1]));
#else
	return creat(path(a[0]), number(a[1]));
#endif
}
// openat2 FD PATH FLAGS MODE RESOLVE [SIZE [TAIL]]: the struct is SIZE bytes long,
// and the byte after the fields that the kernel knows is TAIL.
static long c_openat2(char **a) {
	static char how[8192];
	struct open_how h = {number(a[2]), number(a[3]), number(a[4])};
	memset(how, 0, sizeof how);
	memcpy(how, &h, sizeof h);
	size_t size = a[5] ? (size_t)number(a[5]) : sizeof h;
	if (a[5] && a[6]) how[sizeof h] = number(a[6]);
	// EAGAIN: somebody renamed something, anywhere, while the kernel went up by "..".
	long r, tries = h.resolve & RESOLVE_CACHED ? 1 : 1000;
	while ((r = syscall(SYS_openat2, number(a[0]), path(a[1]), how, size)) < 0 && errno == EAGAIN && --tries > 0) {}
	return r;
}
static long c_openat2how(char **a) { return syscall(SYS_openat2, number(a[0]), path(a[1]), path(a[2]), sizeof(struct open_how)); }
static long c_close(char **a) { return close(number(a[0])); }
static long c_dup2(char **a) { return dup2(number(a[0]), number(a[1])); }
static long c_write(char **a) { return write(number(a[0]), a[1], strlen(a[1])); }
static long c_lseek(char **a) { return lseek(number(a[0]), number(a[1]), SEEK_SET); }
static long c_read(char **a) {
	char b[64];
	ssize_t n = read(number(a[0]), b, sizeof b);
	if (n < 0) return -1;
	for (ssize_t i = 0; i < n; i++) putchar(b[i] < ' ' || b[i] > '~' ? '.' : b[i]);
	return QUIET;
}
// c_readpid says whether a number in a file of /proc is this process's or thread's.
static long c_readpid(char **a) {
	char b[4096] = "";
	ssize_t n = read(number(a[0]), b, sizeof b - 1);
	if (n < 0) return -1;
	char *at = strstr(b, a[1] && *a[1] ? a[1] : "");
	printf("%s", at && strtol(at + strlen(a[1] ? a[1] : ""), NULL, 10) == getpid() ? "mine" : "other");
	return QUIET;
}
static long c_getfd(char **a) { return fcntl(number(a[0]), F_GETFD); }
static long c_getfl(char **a) {
	int fl = fcntl(number(a[0]), F_GETFL);
	if (fl < 0) return -1;
	printf("%#o", fl);
	return QUIET;
}
static long seen(const struct stat *st) {
	printf("%o:%u:%u:%ld:%ld", st->st_mode, st->st_uid, st->st_gid, (long)st->st_nlink, S_ISREG(st->st_mode) ? (long)st->st_size : 0L);
	return QUIET;
}
static long c_fstat(char **a) { struct stat st; return fstat(number(a[0]), &st) < 0 ? -1 : seen(&st); }
static long c_stat(char **a) { struct stat st; return stat(path(a[0]), &st) < 0 ? -1 : seen(&st); }
static long c_where(char **a) {
	char name[32], to[PATH_MAX];
	sprintf(name, "/proc/self/fd/%ld", number(a[0]));
	ssize_t n = readlink(name, to, sizeof to);
	if (n < 0) return -1;
	size_t skip = strlen(directory);
	if ((size_t)n >= skip && memcmp(to, directory, skip) == 0) printf("%%D%.*s", (int)(n - skip), to + skip);
	else printf("%.*s", (int)n, to);
	return QUIET;
}
static int byname(const void *x, const void *y) { return strcmp(*(char *const *)x, *(char *const *)y); }
static long listed(DIR *d) {
	char *names[256];
	int n = 0;
	if (!d) return -1;
	errno = 0;
	for (struct dirent *e; n < 256 && (e = readdir(d));) names[n++] = strdup(e->d_name);
	if (errno) return -1;
	qsort(names, n, sizeof *names, byname);
	for (int i = 0; i < n; i++) printf("%s%s", i ? "," : "", names[i]), free(names[i]);
	closedir(d);
	return QUIET;
}
static long c_list(char **a) { return listed(opendir(path(a[0]))); }
static long c_listfd(char **a) { return listed(fdopendir(dup(number(a[0])))); }
static long c_chdir(char **a) { return chdir(path(a[0])); }
static long c_fchdir(char **a) { return fchdir(number(a[0])); }
static long c_nofile(char **a) {
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) < 0) return -1;
	r.rlim_cur = number(a[0]);
	return setrlimit(RLIMIT_NOFILE, &r);
}
static long c_mkdir(char **a) { return mkdir(path(a[0]), number(a[1])); }
static long c_mkdirat(char **a) { return mkdirat(number(a[0]), path(a[1]), number(a[2])); }
static long c_rmdir(char **a) { return rmdir(path(a[0])); }
static long c_unlink(char **a) { return unlink(path(a[0])); }
static long c_unlinkat(char **a) { return unlinkat(number(a[0]), path(a[1]), number(a[2])); }
static long c_rename(char **a) { return syscall(SYS_renameat2, AT_FDCWD, path(a[0]), AT_FDCWD, path(a[1]), 0); }
#ifdef SYS_rename
static long c_oldrename(char **a) { return syscall(SYS_rename, path(a[0]), path(a[1])); }
#else
static long c_oldrename(char **a) { return renameat(AT_FDCWD, path(a[0]), AT_FDCWD, path(a[1])); }
#endif
static long c_renameat(char **a) { return syscall(SYS_renameat, number(a[0]), path(a[1]), number(a[2]), path(a[3])); }
static long c_renameat2(char **a) { return syscall(SYS_renameat2, number(a[0]), path(a[1]), number(a[2]), path(a[3]), number(a[4])); }
static long c_link(char **a) { return link(path(a[0]), path(a[1])); }
static long c_linkat(char **a) { return linkat(number(a[0]), path(a[1]), number(a[2]), path(a[3]), number(a[4])); }
static long c_symlink(char **a) { return symlink(path(a[0]), path(a[1])); }
static long c_symlinkat(char **a) { return symlinkat(path(a[0]), number(a[1]), path(a[2])); }
static long c_mknod(char **a) { return mknod(path(a[0]), number(a[1]), number(a[2])); }
static long c_mknodat(char **a) { return mknodat(number(a[0]), path(a[1]), number(a[2]), number(a[3])); }
static long c_truncate(char **a) { return truncate(path(a[0]), number(a[1])); }
static long c_ftruncate(char **a) { return ftruncate(number(a[0]), number(a[1])); }
static long c_mmap(char **a) {
	void *p = mmap(NULL, 4096, number(a[1]), MAP_SHARED, number(a[0]), 0);
	return p == MAP_FAILED ? -1 : munmap(p, 4096);
}
static long c_exec(char **a) { char *argv[] = {"x", NULL}; return execve(path(a[0]), argv, environ); }
static long c_execveat(char **a) { char *argv[] = {"x", NULL}; return syscall(SYS_execveat, number(a[0]), path(a[1]), argv, environ, number(a[2])); }
static long c_dumpable(char **a) { return prctl(PR_SET_DUMPABLE, number(a[0])); }
static long c_isatty(char **a) { return isatty(number(a[0])); }

static const struct { const char *name; call run; } calls[] = {
#define C(x) {#x, c_##x},
	C(umask) C(open) C(openat) C(creat) C(openat2) C(openat2how) C(close) C(dup2) C(write) C(lseek) C(read) C(readpid) C(getfd) C(getfl)
	C(fstat) C(stat) C(where) C(list) C(listfd) C(chdir) C(fchdir) C(nofile) C(mkdir) C(mkdirat) C(rmdir) C(unlink) C(unlinkat)
	C(rename) C(oldrename) C(renameat) C(renameat2) C(link) C(linkat) C(symlink) C(symlinkat) C(mknod) C(mknodat)
	C(truncate) C(ftruncate) C(mmap) C(exec) C(execveat) C(isatty) C(dumpable)
#undef C
};

static void run(char *text) {
	char *a[10] = {0}, *save;
	int n = 0;
	for (char *w = strtok_r(text, " ", &save); w && n < 9; w = strtok_r(NULL, " ", &save)) a[n++] = w;
	for (size_t i = 0; n > 0 && i < sizeof calls / sizeof *calls; i++) {
		if (strcmp(calls[i].name, a[0]) != 0) continue;
		long r = calls[i].run(a + 1);
		if (r == QUIET) return;
		if (r >= 0) printf("%ld", r);
		else printf("%s", strerrorname_np(errno) ? strerrorname_np(errno) : "?");
		return;
	}
	fprintf(stderr, "fileops: no call %s\n", n ? a[0] : "");
	exit(2);
}

// script runs the calls of one line, and leaves nothing behind but files.
static void script(char *name, char *calls_) {
	char *save;
	struct rlimit before;
	getrlimit(RLIMIT_NOFILE, &before);
	umask(022);
	printf("%s\t", name);
	if (chdir(directory) < 0) printf("chdir: %s; ", strerrorname_np(errno));
	for (char *c = strtok_r(calls_, ";", &save); c; c = strtok_r(NULL, ";", &save)) {
		run(c);
		printf("; ");
	}
	printf("\n");
	fflush(stdout);
	setrlimit(RLIMIT_NOFILE, &before);
	close_range(3, ~0U, 0);
	if (chdir("/") < 0) exit(2);
}

int main(int argc, char **argv) {
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {{0}};
	if (argc > 1 && strcmp(argv[1], "-drop") == 0 && syscall(SYS_capset, &head, none) < 0) return 2;
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || mprotect(page + 4096, 4096, PROT_NONE) < 0) return 2;
	printf("ready\n");
	fflush(stdout);
	char *line = NULL;
	size_t size = 0;
	for (ssize_t n; (n = getline(&line, &size, stdin)) > 0;) {
		line[n - 1] = 0;
		char *tab = strchr(line, '\t'), *second = tab ? strchr(tab + 1, '\t') : NULL;
		if (!second) return 2;
		*tab = *second = 0;
		directory = tab + 1;
		script(line, second + 1);
	}
	return 0;
}
