// racer makes a call again and again while something exchanges what the call means,
// and says how often it got through.
//
//   racer OPERATION BASE TRIES   (in the sandbox) BASE/g is granted, BASE/s is not,
//                                BASE/r may only be read
//   racer flip KIND BASE         (outside) exchanges BASE/g/c once it is there, until it
//                                is killed
//
// Everything below BASE/s is a secret: files there begin with S, files elsewhere
// do not. The output is one line: tries N granted N refused N odd N leaked N.
// What appears, goes or changes below BASE/s is for the caller to see.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char *base;
static volatile char racing[512];   // the path that the second thread rewrites
static volatile char *letter;       // the g or s in it
static volatile struct open_how how;
static int directories[2], files[2]; // O_PATH: of g and s
static int done;

static char *in(const char *name) {
	static char pool[8][512];
	static int next;
	char *p = pool[next++ % 8];
	snprintf(p, sizeof pool[0], "%s/%s", base, name);
	return p;
}
#define PATH ((const char *)racing)
static void (*swap)(long); // what the second thread does; none if a process outside races

// Exchangers, run by the second thread.
static void swap_letter(long i) { *letter = i & 1 ? 's' : 'g'; }
static void swap_flags(long i) { how.flags = i & 1 ? O_WRONLY : O_RDONLY; }
static void swap_neither(long i) { how.flags = i & 1 ? 3 : O_RDONLY; }
static void swap_mode(long i) { how.mode = i & 1 ? 04755 : 0644; }
static void swap_directory(long i) { dup2(directories[i & 1], 100); }
static void swap_file(long i) { dup2(files[i & 1], 100); }
static void swap_cwd(long i) { if (fchdir(directories[i & 1]) < 0) exit(2); }

static void *exchange(void *x) {
	unsigned seed = 1;
	for (long i = 0; !__atomic_load_n(&done, __ATOMIC_RELAXED); i++) {
		swap(i);
		seed = seed * 1103515245 + 12345;
		for (volatile unsigned n = seed >> 16 & 0xff; n > 0; n--) {}
	}
	return x;
}

// An attempt makes the call once. It returns 1 if it got through, 0 if it was
// refused, 2 if it leaked; -1 is an odd errno.
static int verdict(int r) {
	if (r >= 0) return 1;
	return errno == EACCES || errno == EPERM || errno == EXDEV ? 0 : -1;
}
static int secret(int fd) {
	char b = 0;
	struct stat st;
	if (fd < 0) return verdict(fd);
	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode)) return close(fd), 2; // no device is granted
	ssize_t n = read(fd, &b, 1);
	close(fd);
	return n == 1 && b == 'S' ? 2 : 1;
}
// Where an attempt was not refused, what it made is taken away again and what it took
// is made again: both in g, where the path can only have led then.
static const char *here(const char *name) { return swap ? in(name) : PATH; }
static int make(const char *path) { return close(open(path, O_WRONLY | O_CREAT, 0644)); }
static int unmade(int v, const char *name) { if (v) unlink(here(name)); return v; }
static int remade(int v, const char *name) { if (v) make(here(name)); return v; }
static int holds_secret(const char *path) {
	int fd = open(path, O_RDONLY);
	return fd >= 0 && secret(fd) == 2;
}

static int try_open(void) { return secret(open(PATH, O_RDONLY)); }
static int try_openat2(void) {
	struct open_how h = {.flags = O_RDONLY};
	return secret(syscall(SYS_openat2, AT_FDCWD, PATH, &h, sizeof h));
}
static int try_write(void) { int fd = open(PATH, O_WRONLY); int v = verdict(fd); if (fd >= 0) { if (write(fd, "G", 1) != 1) v = -1; close(fd); } return v; }
static int try_truncopen(void) { int fd = open(PATH, O_WRONLY | O_TRUNC); int v = verdict(fd); if (fd >= 0) close(fd); return v; }
static int try_create(void) {
	int fd = open(PATH, O_WRONLY | O_CREAT | O_EXCL, 0644), v = verdict(fd);
	if (fd >= 0) close(fd);
	return unmade(v, "g/new");
}
static int try_creat2(void) {
	struct open_how h = {.flags = O_WRONLY | O_CREAT, .mode = 0644};
	int fd = syscall(SYS_openat2, AT_FDCWD, PATH, &h, sizeof h), v = verdict(fd);
	if (fd >= 0) close(fd);
	return unmade(v, "g/new");
}
static int try_tmpfile(void) { // a file without a name: where it lies is in its link
	char link[64], to[512] = "";
	int fd = open(PATH, O_TMPFILE | O_RDWR, 0600);
	if (fd < 0) return verdict(fd);
	sprintf(link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, to, sizeof to - 1);
	close(fd);
	return n > 0 && strncmp(to, in("s"), strlen(in("s"))) == 0 ? 2 : 1;
}
static int try_flags(void) {
	int fd = syscall(SYS_openat2, AT_FDCWD, in("r/file"), &how, sizeof how);
	if (fd < 0) return verdict(fd);
	int leak = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
	close(fd);
	return leak ? 2 : 1;
}
static int try_mode(void) {
	struct stat st;
	int fd = syscall(SYS_openat2, AT_FDCWD, in("g/new"), &how, sizeof how);
	if (fd < 0) return verdict(fd);
	if (fstat(fd, &st) < 0) return -1;
	close(fd);
	unlink(in("g/new"));
	return st.st_mode & 06000 ? 2 : 1;
}
static int try_mkdir(void) { int v = verdict(mkdir(PATH, 0755)); if (v) rmdir(here("g/new")); return v; }
static int try_rmdir(void) { int v = verdict(rmdir(PATH)); if (v) mkdir(here("g/gone"), 0755); return v; }
static int try_unlink(void) { return remade(verdict(unlink(PATH)), "g/file"); }
static int try_symlink(void) { return unmade(verdict(symlink("x", PATH)), "g/new"); }
static int try_mknod(void) { return unmade(verdict(mknod(PATH, S_IFIFO | 0644, 0)), "g/new"); }
static int try_truncate(void) { return verdict(truncate(PATH, 1)); }
static int try_renameto(void) { int v = verdict(rename(in("g/a"), PATH)); if (v) make(in("g/a")); return v; }
static int try_renamefrom(void) {
	int v = verdict(rename(PATH, in("g/b")));
	return v == 1 && holds_secret(in("g/b")) ? 2 : remade(v, "g/file");
}
static int try_exchange(void) {
	int v = verdict(syscall(SYS_renameat2, AT_FDCWD, PATH, AT_FDCWD, in("g/a"), 2));
	return v == 1 && holds_secret(in("g/a")) ? 2 : v;
}
static int try_linkto(void) { return unmade(verdict(link(in("g/a"), PATH)), "g/new"); }
static int try_linkfrom(void) {
	int v = verdict(link(PATH, in("g/b")));
	if (v == 1 && holds_secret(in("g/b"))) v = 2;
	if (v > 0) unlink(in("g/b"));
	return v;
}
static int try_dirfd(void) { return secret(openat(100, "file", O_RDONLY)); }
static int try_procfd(void) { return secret(open("/proc/self/fd/100", O_RDONLY)); }
static int try_cwd(void) { return secret(open("file", O_RDONLY)); }
static int try_cwdmkdir(void) { int v = verdict(mkdir("new", 0755)); if (v) rmdir(in("g/new")); return v; }
static int try_dirfdrename(void) { int v = verdict(renameat(AT_FDCWD, in("g/a"), 100, "new")); if (v) make(in("g/a")); return v; }

static const struct operation { const char *name, *path; void (*swap)(long); int (*attempt)(void); } operations[] = {
	{"open", "g/file", swap_letter, try_open}, {"openat2", "g/file", swap_letter, try_openat2}, {"write", "g/file", swap_letter, try_write},
	{"truncopen", "g/file", swap_letter, try_truncopen}, {"create", "g/new", swap_letter, try_create}, {"creat2", "g/new", swap_letter, try_creat2},
	{"tmpfile", "g", swap_letter, try_tmpfile}, {"flags", "", swap_flags, try_flags}, {"neither", "", swap_neither, try_flags}, {"mode", "", swap_mode, try_mode},
	{"mkdir", "g/new", swap_letter, try_mkdir}, {"rmdir", "g/gone", swap_letter, try_rmdir}, {"unlink", "g/file", swap_letter, try_unlink},
	{"symlink", "g/new", swap_letter, try_symlink}, {"mknod", "g/new", swap_letter, try_mknod}, {"truncate", "g/file", swap_letter, try_truncate},
	{"renameto", "g/new", swap_letter, try_renameto}, {"renamefrom", "g/file", swap_letter, try_renamefrom}, {"exchange", "g/file", swap_letter, try_exchange},
	{"linkto", "g/new", swap_letter, try_linkto}, {"linkfrom", "g/file", swap_letter, try_linkfrom},
	{"dirfd", "", swap_directory, try_dirfd}, {"procfd", "", swap_file, try_procfd}, {"cwd", "", swap_cwd, try_cwd}, {"cwdmkdir", "", swap_cwd, try_cwdmkdir},
	{"dirfdrename", "", swap_directory, try_dirfdrename},
	// The name c is what another process exchanges.
	{"copen", "g/c/file", NULL, try_open}, {"copenat2", "g/c/file", NULL, try_openat2}, {"cwrite", "g/c/file", NULL, try_write},
	{"ctruncate", "g/c/file", NULL, try_truncate}, {"ccreate", "g/c/new", NULL, try_create}, {"cmkdir", "g/c/new", NULL, try_mkdir},
	{"cunlink", "g/c/file", NULL, try_unlink}, {"crenameto", "g/c/new", NULL, try_renameto}, {"crenamefrom", "g/c/file", NULL, try_renamefrom},
	{"clinkto", "g/c/new", NULL, try_linkto}, {"clinkfrom", "g/c/file", NULL, try_linkfrom}, {"csymlink", "g/c/new", NULL, try_symlink},
	{"fopen", "g/c", NULL, try_open}, {"fopenat2", "g/c", NULL, try_openat2}, {"fwrite", "g/c", NULL, try_write}, {"ftruncate", "g/c", NULL, try_truncate},
	{"ftruncopen", "g/c", NULL, try_truncopen},
};

static int race(const struct operation *o, long tries) {
	long count[4] = {0}, n = 0;
	pthread_t t;
	// All of g is made here: no kernel rule can be on it.
	if (mkdir(in("g"), 0755) < 0) return 2;
	if (o->swap) make(in("g/file"));
	else if (strcmp(o->path, "g/c") == 0) make(in("g/c"));
	else mkdir(in("g/c"), 0755), make(in("g/c/file"));
	if (mkdir(in("g/ready"), 0755) < 0) return 2;
	strcpy((char *)racing, in(o->path));
	letter = racing + strlen(base) + 1;
	how.flags = strcmp(o->name, "mode") == 0 ? O_WRONLY | O_CREAT : O_RDONLY;
	directories[0] = open(in("g"), O_PATH), directories[1] = open(in("s"), O_PATH);
	files[0] = open(in("g/file"), O_RDONLY), files[1] = open(in("s/file"), O_PATH);
	swap = o->swap;
	make(in("g/a")), mkdir(in("g/gone"), 0755);
	if (swap) swap(0);
	if (swap && (errno = pthread_create(&t, NULL, exchange, NULL))) return 2;
	for (; n < tries; n++) count[o->attempt() + 1]++;
	__atomic_store_n(&done, 1, __ATOMIC_RELAXED);
	if (swap) pthread_join(t, NULL);
	printf("tries %ld granted %ld refused %ld odd %ld leaked %ld\n", n, count[2], count[1], count[0], count[3]);
	return 0;
}

// linger lets a state last, so that callers meet it, and not for the same time always.
static void linger(void) {
	static unsigned seed = 1;
	seed = seed * 1103515245 + 12345;
	for (volatile unsigned n = seed >> 16 & 0x7fff; n > 0; n--) {}
}

// flip exchanges BASE/g/c for a symbolic link that leads to the secret, in one of
// four ways: a directory or a file, atomically or by way of nothing.
static int flip(const char *kind) {
	char c[512], other[512], link[512];
	for (int ms = 0; access(in("g/ready"), F_OK) < 0; ms++) {
		if (ms == 60000) return 2;
		usleep(1000);
	}
	strcpy(c, in("g/c")), strcpy(other, in("t/real")), strcpy(link, in("t/link"));
	const char *to = kind[0] == 'd' ? "../s" : "../s/file"; // as seen from g
	if (strcmp(kind + 1, "exchange") == 0) {
		if (symlink(to, link) < 0) return 2;
		for (;;) if (syscall(SYS_renameat2, AT_FDCWD, c, AT_FDCWD, link, 2) < 0) return 2;
	}
	for (;; linger()) {
		if (rename(c, other) < 0 || symlink(to, c) < 0) break;
		linger();
		if (unlink(c) < 0 || rename(other, c) < 0) break;
	}
	perror("flip");
	return 2;
}

int main(int argc, char **argv) {
	if (argc != 4) return 2;
	if (strcmp(argv[1], "flip") == 0) return base = argv[3], flip(argv[2]);
	base = argv[2];
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (strcmp(operations[i].name, argv[1]) == 0) return race(&operations[i], atol(argv[3]));
	return 2;
}
