// crowd makes many calls on files at once, some of which block, and says how it ended:
// "ok" as the last line, or what went wrong. What begins with DIR is granted for
// reading and writing.
//
//   crowd fifo DIR       two threads block in FIFOs without a partner, the others go on;
//                        then the partners come
//   crowd lease DIR      a process opens a file on which another holds a lease
//   crowd opens DIR      opens a file again and again
//   crowd flood DIR      1000 threads open files
//   crowd blocked DIR N  N threads block in a FIFO, until one comes for all of them
//   crowd many DIR       300 threads open FIFOs that nobody else opens
//   crowd killed DIR N   N children are killed while they block in a FIFO, for each
//                        byte on standard input; a line when they are gone
//   crowd signal DIR     a blocked open is interrupted, and another one restarted
//   crowd cores DIR      opens a file again and again, and keeps its cores all the while
//   crowd orphan DIR     a child says what an open answers when the supervisor is gone
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *dir;
static char *in(const char *name) {
	char *p = malloc(512);
	snprintf(p, 512, "%s/%s", dir, name);
	return p;
}
static int failed(const char *what) {
	printf("%s: %s\n", what, strerrorname_np(errno));
	fflush(stdout);
	_exit(1);
}
static void pause_ms(long ms) {
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	while (nanosleep(&t, &t) < 0) {}
}
static void ok(void) { printf("ok\n"); fflush(stdout); _exit(0); }
static pthread_t started(void *(*f)(void *), void *arg) {
	pthread_t t;
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 << 10);
	if ((errno = pthread_create(&t, &small, f, arg))) failed("pthread_create");
	return t;
}
// renew goes on in a new directory, with the same files. Of the one that was there at
// the launch there may be a kernel rule; what is done in this one the supervisor does.
static void renew(const char *old) {
	static const char *const files[] = {"file", "other"};
	char *path = malloc(256), from[512];
	snprintf(path, 256, "%s-new", old);
	dir = path;
	if (mkdir(dir, 0755) < 0) failed("mkdir");
	for (int i = 0; i < 2; i++) {
		snprintf(from, sizeof from, "%s/%s", old, files[i]);
		if (rename(from, in(files[i])) < 0) failed(files[i]);
	}
}
static void open_many(const char *path, int n) {
	for (int i = 0; i < n; i++) {
		int fd = open(path, O_RDONLY);
		if (fd < 0) failed("open");
		if (fd <= 2) failed("an open that returns the number of another file");
		if (close(fd) < 0) failed("an open that returns no descriptor");
	}
}

static volatile int through; // blocked opens that came back
static void *reads(void *path) {
	char b = 0;
	int fd = open(path, O_RDONLY);
	__atomic_add_fetch(&through, 1, __ATOMIC_SEQ_CST);
	if (fd < 0 || read(fd, &b, 1) != 1 || b != 'x') failed("read of the FIFO");
	return path;
}
static void *writes(void *path) {
	int fd = open(path, O_WRONLY);
	__atomic_add_fetch(&through, 1, __ATOMIC_SEQ_CST);
	if (fd < 0 || write(fd, "x", 1) != 1) failed("write to the FIFO");
	return path;
}
static void fifo(void) {
	char *one = in("fifo1"), *two = in("fifo2"), b = 0;
	if (mkfifo(one, 0644) < 0 || mkfifo(two, 0644) < 0) failed("mkfifo");
	pthread_t r = started(reads, one), w = started(writes, two);
	pause_ms(100);
	open_many(in("file"), 500);
	if (through) failed("an open of a FIFO did not wait");
	int fd = open(one, O_WRONLY);
	if (fd < 0 || write(fd, "x", 1) != 1) failed("the partner of the reader");
	pthread_join(r, NULL);
	fd = open(two, O_RDONLY);
	if (fd < 0 || read(fd, &b, 1) != 1 || b != 'x') failed("the partner of the writer");
	pthread_join(w, NULL);
	// And again with nobody ever coming.
	started(reads, one), started(writes, two);
	pause_ms(50);
	open_many(in("file"), 100);
	ok();
}

static void blocked(int n) {
	char *path = in("fifo"), x[256];
	pthread_t t[256];
	if (mkfifo(path, 0644) < 0) failed("mkfifo");
	for (int i = 0; i < n; i++) t[i] = started(reads, path), x[i] = 'x';
	pause_ms(1500);
	open_many(in("file"), 20);
	if (through) failed("an open of a FIFO did not wait");
	int fd = open(path, O_WRONLY); // who reads waits already, so this one does not
	if (fd < 0 || write(fd, x, n) != n) failed("the partner of all");
	for (int i = 0; i < n; i++) pthread_join(t[i], NULL);
	ok();
}

static int refused;
static void *reads_alone(void *path) {
	if (open(path, O_RDONLY) < 0 && errno == EAGAIN) __atomic_add_fetch(&refused, 1, __ATOMIC_SEQ_CST);
	return NULL;
}
static void many(void) {
	char *path = in("alone");
	if (mkfifo(path, 0644) < 0) failed("mkfifo");
	for (int i = 0; i < 300; i++) started(reads_alone, path);
	pause_ms(1500);
	open_many(in("file"), 20);
	printf("%d wait, %d EAGAIN\n", 300 - refused, refused);
	fflush(stdout);
	_exit(0);
}

static volatile int broken;
static void lease_broken(int s) { (void)s; broken = 1; }
static void lease(void) {
	char *path = in("file");
	int ready[2], fd;
	char b;
	if (pipe(ready) < 0) failed("pipe");
	pid_t holder = fork();
	if (holder < 0) failed("fork");
	if (holder == 0) {
		signal(SIGIO, lease_broken);
		if ((fd = open(path, O_RDONLY)) < 0 || fcntl(fd, F_SETLEASE, F_RDLCK) < 0) failed("F_SETLEASE");
		if (write(ready[1], "x", 1) != 1) failed("write");
		while (!broken) pause_ms(1);
		pause_ms(300);
		if (fcntl(fd, F_SETLEASE, F_UNLCK) < 0) failed("F_UNLCK");
		_exit(0);
	}
	if (read(ready[0], &b, 1) != 1) failed("read");
	if (open(path, O_WRONLY | O_NONBLOCK) >= 0 || errno != EWOULDBLOCK) failed("an open that must not wait");
	pid_t writer = fork();
	if (writer == 0) {
		if ((fd = open(path, O_WRONLY)) < 0) failed("open under a lease");
		_exit(0);
	}
	open_many(in("other"), 200); // meanwhile
	int st;
	for (int i = 0; i < 2; i++)
		if (wait(&st) < 0 || st != 0) failed("a child");
	ok();
}

static void *opens(void *x) {
	open_many(in("file"), 20);
	int fd = open(in("made"), O_WRONLY | O_CREAT, 0644);
	if (fd < 0) failed("create");
	close(fd);
	return x;
}
static void flood(void) {
	pthread_t t[1000];
	for (int i = 0; i < 1000; i++) t[i] = started(opens, NULL);
	for (int i = 0; i < 1000; i++) pthread_join(t[i], NULL);
	ok();
}

static void killed(int n) {
	char *path = in("fifo"), b;
	pid_t child[256];
	if (mkfifo(path, 0644) < 0) failed("mkfifo");
	while (read(0, &b, 1) == 1) {
		for (int i = 0; i < n; i++)
			if ((child[i] = fork()) == 0) {
				open(path, O_RDONLY);
				failed("the open of a FIFO without a partner");
			}
		pause_ms(100);
		for (int i = 0; i < n; i++)
			if (kill(child[i], SIGKILL) < 0 || waitpid(child[i], NULL, 0) < 0) failed("kill");
		open_many(in("file"), 20);
		printf("gone\n");
		fflush(stdout);
	}
	ok();
}

static void handler(int s) { (void)s; }
static volatile pid_t waiting;
static void *interrupts(void *x) {
	while (!waiting) pause_ms(1);
	pause_ms(100);
	if (syscall(SYS_tgkill, getpid(), waiting, SIGUSR1) < 0) failed("tgkill");
	return x;
}
static void *partner(void *path) {
	pause_ms(300);
	return open(path, O_WRONLY) < 0 ? (void *)1 : NULL;
}
static void interrupted(void) {
	char *path = in("fifo");
	struct sigaction sa = {.sa_handler = handler};
	if (mkfifo(path, 0644) < 0) failed("mkfifo");
	sigaction(SIGUSR1, &sa, NULL);
	started(interrupts, NULL);
	waiting = gettid();
	if (open(path, O_RDONLY) >= 0 || errno != EINTR) failed("an open that a signal interrupts");
	sa.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &sa, NULL);
	started(interrupts, NULL), started(partner, path);
	if (open(path, O_RDONLY) < 0) failed("an open that goes on after a signal");
	ok();
}

static void orphan(void) {
	char *path = in("file");
	pid_t first = getpid(), child = fork();
	if (child < 0) failed("fork");
	if (child > 0) for (;;) pause();
	open_many(path, 10);
	printf("running %d\n", first);
	fflush(stdout);
	for (int i = 0; i < 2000; i++) { // the supervisor is killed meanwhile
		int fd = open(path, O_RDONLY);
		if (fd < 0) {
			printf("open: %s\n", strerrorname_np(errno));
			struct { unsigned long flags, mode, resolve; } h = {0};
			printf("openat2: %s\n", syscall(SYS_openat2, AT_FDCWD, path, &h, sizeof h) < 0 ? strerrorname_np(errno) : "opened");
			printf("create: %s\n", open(in("made"), O_WRONLY | O_CREAT, 0644) < 0 ? strerrorname_np(errno) : "opened");
			printf("mkdir: %s\n", mkdir(in("dir"), 0755) < 0 ? strerrorname_np(errno) : "made");
			for (int ms = 0; ms < 2000 && getppid() == first; ms++) pause_ms(1);
			printf("parent %s\n", getppid() == first ? "lives" : "gone");
			ok();
		}
		close(fd);
		pause_ms(5);
	}
	printf("nothing happened\n");
	fflush(stdout);
	_exit(1);
}

// cores: the calling thread has the cores that it had, whatever was done to hand it its
// descriptors; so has one that was bound by itself, or by another between two calls.
static void keeps_cores(const cpu_set_t *want) {
	for (int i = 0; i < 2000; i++) {
		cpu_set_t has;
		open_many(in("file"), 1);
		if (sched_getaffinity(0, sizeof has, &has)) failed("sched_getaffinity");
		if (!CPU_EQUAL(&has, want)) printf("open %d changed the cores\n", i), exit(1);
	}
}
static void cores(void) {
	cpu_set_t all, one;
	if (sched_getaffinity(0, sizeof all, &all)) failed("sched_getaffinity");
	keeps_cores(&all);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
	if (sched_setaffinity(0, sizeof one, &one)) failed("sched_setaffinity");
	keeps_cores(&one);
	if (sched_setaffinity(0, sizeof all, &all)) failed("sched_setaffinity");
	keeps_cores(&all);
	ok();
}

int main(int argc, char **argv) {
	if (argc < 3) return 2;
	renew(argv[2]);
	if (strcmp(argv[1], "fifo") == 0) fifo();
	if (strcmp(argv[1], "lease") == 0) lease();
	if (strcmp(argv[1], "opens") == 0) open_many(in("file"), 10000), ok();
	if (strcmp(argv[1], "flood") == 0) flood();
	if (strcmp(argv[1], "blocked") == 0 && argc == 4) blocked(atoi(argv[3]));
	if (strcmp(argv[1], "many") == 0) many();
	if (strcmp(argv[1], "killed") == 0 && argc == 4) killed(atoi(argv[3]));
	if (strcmp(argv[1], "signal") == 0) interrupted();
	if (strcmp(argv[1], "cores") == 0) cores();
	if (strcmp(argv[1], "orphan") == 0) orphan();
	return 2;
}
