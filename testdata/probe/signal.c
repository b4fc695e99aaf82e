// signal sends signals in one way and says how each step ended: "ok", or the
// errno's name. What it does to itself, it reports from its handler.
//
//   signal OPERATION [PID]
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t came;
static void handler(int s) { came = s; }

static void step(long r) {
	printf("%s\n", r < 0 ? strerrorname_np(errno) : "ok");
	fflush(stdout);
}

// arrived says whether a signal sent to this process came.
static void arrived(long r) {
	if (r < 0) { step(r); return; }
	printf("%s\n", came == SIGUSR1 ? "came" : "lost");
}

// In a child: what the operation says there; the parent says how it ended.
static void child(long (*f)(void)) {
	pid_t p = fork();
	if (p == 0) { step(f()); _exit(0); }
	int status;
	waitpid(p, &status, 0);
	if (WIFSIGNALED(status)) printf("died of %d\n", WTERMSIG(status));
}
static long kill_self(void) { return kill(getpid(), SIGUSR1); }
static long kill_parent(void) { return kill(getppid(), SIGUSR1); }
static long do_abort(void) { signal(SIGABRT, SIG_DFL); abort(); }

static void sibling(void) {
	pid_t a = fork();
	if (a == 0) { pause(); _exit(0); }
	pid_t b = fork();
	if (b == 0) { step(kill(a, SIGKILL)); _exit(0); }
	waitpid(b, NULL, 0);
	step(kill(a, SIGKILL)); // the parent's own child
	_exit(0);
}

static void *nothing(void *x) { pause(); return x; }

static long queue(int pid, int tid) {
	siginfo_t i = {.si_signo = SIGKILL, .si_code = SI_QUEUE, .si_pid = getpid(), .si_uid = getuid()};
	return tid ? syscall(SYS_rt_tgsigqueueinfo, pid, tid, SIGKILL, &i) : syscall(SYS_rt_sigqueueinfo, pid, SIGKILL, &i);
}

// owned makes a descriptor send SIGKILL, and then gives it a reason to.
static void owned(int fd, int reason) {
	step(fcntl(fd, F_SETSIG, SIGKILL));
	step(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC));
	int on = 1;
	step(ioctl(fd, FIOASYNC, &on));
	if (reason >= 0 && write(reason, "x", 1) < 0) step(-1);
}

int main(int argc, char **argv) {
	const char *op = argc > 1 ? argv[1] : "";
	int pid = argc > 2 ? atoi(argv[2]) : 0;
	int p[2];
	pthread_t t;
	struct f_owner_ex ex = {F_OWNER_PID, pid};
	signal(SIGUSR1, handler);
#define IS(name) else if (strcmp(op, name) == 0)
	if (0) {}
	IS("kill") step(kill(pid, SIGKILL));
	IS("ask") step(kill(pid, 0));
	IS("tkill") step(syscall(SYS_tkill, pid, SIGKILL));
	IS("tgkill") step(syscall(SYS_tgkill, pid, pid, SIGKILL));
	IS("sigqueue") step(queue(pid, 0));
	IS("tgsigqueue") step(queue(pid, pid));
	IS("pidfd") step(syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, pid, 0), SIGKILL, NULL, 0));
	IS("setown") { step(pipe(p)); step(fcntl(p[0], F_SETOWN, pid)); owned(p[0], p[1]); }
	IS("setownex") { step(pipe(p)); step(fcntl(p[0], F_SETOWN_EX, &ex)); owned(p[0], p[1]); }
	IS("terminal") { owned(0, -1); sleep(1); }
	IS("parent") step(kill(getppid(), 0));
	IS("sibling") sibling();
	IS("raise") arrived(raise(SIGUSR1));
	IS("self") arrived(kill(getpid(), SIGUSR1));
	IS("queueself") { union sigval v = {0}; arrived(sigqueue(getpid(), SIGUSR1, v)); }
	IS("thread") {
		if (pthread_create(&t, NULL, nothing, NULL)) return 2;
		sigset_t s;
		sigemptyset(&s);
		sigaddset(&s, SIGUSR1);
		pthread_sigmask(SIG_BLOCK, &s, NULL); // only the other thread may take it
		errno = pthread_kill(t, SIGUSR1);
		for (int i = 0; i < 500 && !came && !errno; i++) usleep(1000);
		arrived(errno ? -1 : 0);
	}
	IS("abort") abort();
	IS("childself") child(kill_self);
	IS("childparent") { child(kill_parent); arrived(0); }
	IS("childabort") child(do_abort);
	IS("chain") { // a process that forks and ends, again and again, under new sessions; for a minute, if nobody ends it
		time_t end = time(NULL) + 60;
		for (int i = 0; i < pid; i++) if (fork() == 0) for (;;) { setsid(); if (fork() > 0 || time(NULL) > end) _exit(0); }
	}
	else return 2;
	fflush(stdout);
	return 0;
}
