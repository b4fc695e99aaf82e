// loop times one operation, many times, and prints nanoseconds for one.
//
//   loop OPERATION COUNT FILE
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *path;
static int zero;

static int openclose(void) { int fd = open(path, O_RDONLY); return fd < 0 ? -1 : close(fd); }
// later opens a file that was made after the launch, so that no kernel rule is for it.
static int later(void) {
	static char name[4096];
	if (!*name) {
		snprintf(name, sizeof name, "%s-later", path);
		unlink(name);
		if (close(open(name, O_WRONLY | O_CREAT, 0644)) < 0) return -1;
	}
	int fd = open(name, O_RDONLY);
	return fd < 0 ? -1 : close(fd);
}
static int status(void) { struct stat st; return stat(path, &st); }
static int readbyte(void) { char b; return read(zero, &b, 1) == 1 ? 0 : -1; }
static int getpid1(void) { return syscall(SYS_getpid) > 0 ? 0 : -1; }
static int map(void) {
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? -1 : munmap(p, 4096);
}
static int mapexec(void) {
	static int fd = -1;
	if (fd < 0) fd = open(path, O_RDONLY);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	return p == MAP_FAILED ? -1 : munmap(p, 4096);
}
static int modes(void) { return chmod(path, 0644); }
static int forked(void) {
	pid_t p = fork();
	if (p == 0) _exit(0);
	return p < 0 ? -1 : waitpid(p, NULL, 0) < 0;
}
static void *nothing(void *x) { return x; }
static int thread(void) {
	pthread_t t;
	return pthread_create(&t, NULL, nothing, NULL) ? -1 : pthread_join(t, NULL);
}

static const struct { const char *name; int (*run)(void); } ops[] = {
	{"open", openclose}, {"later", later}, {"stat", status}, {"read", readbyte}, {"getpid", getpid1}, {"mmap", map},
	{"mapexec", mapexec}, {"chmod", modes}, {"fork", forked}, {"thread", thread},
};

int main(int argc, char **argv) {
	if (argc != 4) return 2;
	path = argv[3];
	zero = open("/dev/zero", O_RDONLY);
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		if (strcmp(ops[i].name, argv[1]) != 0) continue;
		long count = atol(argv[2]);
		struct timespec a, b;
		if (ops[i].run() != 0) { perror(argv[1]); return 1; }
		clock_gettime(CLOCK_MONOTONIC, &a);
		for (long n = 0; n < count; n++) if (ops[i].run() != 0) return 1;
		clock_gettime(CLOCK_MONOTONIC, &b);
		printf("%.0f\n", ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / count);
		return 0;
	}
	return 2;
}
