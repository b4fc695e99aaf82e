// starter starts a program again and again in one way, and disturbs it meanwhile. It
// says how many of the starts ended well.
//
//   starter HOW COUNT PROGRAM
//
// Or it puts a right copy of a program under a name, has it looked at while it can still
// write it through memory, writes WORSE over every TEXT (of the same length), and starts
// it.
//
//   starter stale RIGHT NAME TEXT WORSE
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static char *program[2];
static char *environment[] = {NULL};

static void *run(void *x) {
	execve(program[0], program, environment);
	if (errno != EAGAIN) _exit(126); // another thread executes
	for (;;) pause();
	return x;
}

// threads executes in N threads at once, of which one wins.
static void threads(int n) {
	pthread_t t;
	for (int i = 0; i < n && pthread_create(&t, NULL, run, NULL) == 0; i++) {}
	for (;;) pause(); // one of them ends this thread, maybe while it makes the next
}

static void child(const char *how) {
	if (strcmp(how, "thread") == 0) threads(1);
	if (strcmp(how, "threads") == 0) threads(4);
	if (strcmp(how, "traced") == 0 && ptrace(PTRACE_TRACEME, 0, 0, 0)) _exit(124);
	run(NULL);
}

static pid_t start(const char *how) {
	pid_t p = -1;
	if (strcmp(how, "spawn") == 0) return posix_spawn(&p, program[0], NULL, NULL, program, environment) ? -1 : p;
	p = strcmp(how, "vfork") == 0 ? vfork() : fork();
	if (p == 0) {
		if (strcmp(how, "vfork") == 0) { execve(program[0], program, environment); _exit(126); }
		child(how);
	}
	return p;
}

// disturb sends signals that do nothing, or that stop and continue.
static void disturb(const char *how, pid_t p) {
	if (strcmp(how, "signals") == 0)
		for (int i = 0; i < 200; i++) kill(p, i % 2 ? SIGURG : SIGWINCH);
	if (strcmp(how, "stops") == 0)
		for (int i = 0; i < 20; i++) kill(p, i % 2 ? SIGCONT : SIGSTOP), usleep(20);
}

static int started(const char *name) {
	int status = -1;
	pid_t p = fork();
	if (p == 0) { execl(name, name, NULL); _exit(126); }
	waitpid(p, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int stale(const char *right, const char *name, const char *text, const char *worse) {
	static char content[4 << 20];
	int from = open(right, O_RDONLY), to = open("stale", O_RDWR | O_CREAT | O_TRUNC, 0755);
	ssize_t n = read(from, content, sizeof content);
	if (n <= 0 || write(to, content, n) != n) return 2;
	char *m = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
	if (m == MAP_FAILED || close(to) || rename("stale", name)) return 3;
	for (ssize_t i = 0; i < n; i += 4096) ((volatile char *)m)[i] = m[i]; // from now on without a trace
	usleep(300000); // the times of the file count as settled
	printf("%d ", started(name)); // ETXTBSY at best
	for (char *at = m; (at = memmem(at, m + n - at, text, strlen(text))); at++) memcpy(at, worse, strlen(worse));
	munmap(m, n);
	printf("%d\n", started(name));
	return 0;
}

int main(int argc, char **argv) {
	if (argc == 6 && strcmp(argv[1], "stale") == 0) return stale(argv[2], argv[3], argv[4], argv[5]);
	if (argc != 4) return 2;
	const char *how = argv[1];
	int well = 0, killed = 0;
	program[0] = argv[3];
	for (int i = atoi(argv[2]); i > 0; i--) {
		int status = -1;
		pid_t p = start(how);
		if (p < 0) continue;
		disturb(how, p);
		if (strcmp(how, "kills") == 0) usleep(rand() % 1500), kill(p, SIGKILL);
		do if (waitpid(p, &status, 0) < 0) break;
		while (WIFSTOPPED(status) && !ptrace(PTRACE_CONT, p, 0, 0));
		well += status == 0;
		killed += WIFSIGNALED(status);
	}
	printf("%d well, %d killed\n", well, killed);
	return 0;
}
