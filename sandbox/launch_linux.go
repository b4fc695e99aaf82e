package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/landlock"
	"sandrun/sandbox/seccomp"
	"sandrun/sandbox/supervisor"
)

func init() {
	// Domains, filters and parent-death signals belong to a thread. The main
	// thread lives as long as the process, and a direct launch must keep the pid.
	runtime.LockOSThread()
}

// A LaunchError says that nothing of the target ran. Exec tells whether the
// kernel refused the program itself, with Errno, or the launch failed before.
type LaunchError struct {
	Exec  bool
	Errno syscall.Errno
	Err   error
}

func (e *LaunchError) Error() string { return e.Err.Error() }
func (e *LaunchError) Unwrap() error { return e.Err }

// Outcome is how a supervised target ended.
type Outcome struct {
	Status int            // exit status, if Signal is 0
	Signal syscall.Signal // the signal that killed it
}

// Run carries the plan out. It must be called from the main goroutine. A direct
// launch returns only on failure; a supervised one returns when the target has
// ended and every process that it left behind is killed.
func (p *Plan) Run() (Outcome, error) {
	if err := prepareProcess(); err != nil {
		return Outcome{}, &LaunchError{Err: err}
	}
	ruleset := -1
	if p.Handled != (landlock.Rights{}) {
		var err error
		if ruleset, err = landlock.NewRuleset(p.Handled, p.Rules); err != nil {
			return Outcome{}, &LaunchError{Err: err}
		}
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return Outcome{}, &LaunchError{Err: fmt.Errorf("pipe: %w", err)}
	}
	s, err := newSealing(p, seccomp.Program(p.Choice), ruleset, pipe[1])
	if err != nil {
		return Outcome{}, &LaunchError{Err: err}
	}
	if p.Supervised() {
		return p.runSupervised(s, pipe[0])
	}
	return Outcome{}, p.failure(p.runDirect(s, pipe[0]))
}

// prepareProcess does what holds for sandrun itself and is inherited.
func prepareProcess() error {
	if err := limitCores(); err != nil {
		return fmt.Errorf("setrlimit(RLIMIT_CORE): %w", err)
	}
	if err := closeInherited(); err != nil {
		return fmt.Errorf("close_range: %w", err)
	}
	return dropCapabilities()
}

// failure turns a report into an error that says what to do.
func (p *Plan) failure(r report) error {
	errno := syscall.Errno(r.value)
	switch {
	case r.stage == stageExec:
		return &LaunchError{Exec: true, Errno: errno, Err: fmt.Errorf("execute %q: %w", p.Program, errno)}
	case r.stage == stageSeccomp && errno == unix.EBUSY:
		return &LaunchError{Err: &GapError{[]Gap{{"listener", "another supervisor above this one holds the only listener of the process tree, so that what needs one cannot be had here: " + join(p.Reasons)}}}}
	}
	return &LaunchError{Err: r}
}

func join(reasons []string) string {
	if len(reasons) == 0 {
		return "refusing every execve but the first"
	}
	out := reasons[0]
	for _, r := range reasons[1:] {
		out += "; " + r
	}
	return out
}

// runSupervised forks a child that seals itself, serves it, and waits.
func (p *Plan) runSupervised(s *sealing, reports int) (Outcome, error) {
	tree, err := confine(p.Handled)
	if err != nil {
		return Outcome{}, &LaunchError{Err: err}
	}
	signals := watchSignals()
	s.child, s.parent = true, uintptr(os.Getpid())
	s.mask = blockSignals()
	pid, errno := s.fork()
	setSignals(s.mask)
	if errno != 0 {
		return Outcome{}, &LaunchError{Err: fmt.Errorf("clone: %w", errno)}
	}
	failed := make(chan report, 1)
	go p.serve(reports, failed)
	go signals.forward(int(pid))
	status := wait(int(pid))
	tree.kill()
	s.say(report{}) // what the child said before it ended is read first
	if r := <-failed; r.stage != 0 {
		return Outcome{}, p.failure(r)
	}
	return outcome(status), nil
}

// serve reads what the child reports and serves its listener. It hands over the
// child's failure, or a zero report when the run is over.
func (p *Plan) serve(reports int, failed chan<- report) {
	for {
		r := readReport(reports)
		if r.stage != stageListening {
			failed <- r
			return
		}
		go supervisor.New(int(r.value), p.supervision()).Serve()
	}
}

// wait waits for the end of the target, and reaps its orphans meanwhile. When the target is stopped, sandrun
// stops as well, so that the shell above sees one job; the shell's SIGCONT goes
// on to the target.
func wait(pid int) syscall.WaitStatus {
	var status syscall.WaitStatus
	for {
		got, err := syscall.Wait4(-1, &status, syscall.WUNTRACED, nil)
		if errors.Is(err, syscall.EINTR) || err == nil && got != pid {
			continue
		}
		if err != nil || !status.Stopped() {
			return status
		}
		unix.Kill(os.Getpid(), unix.SIGSTOP)
	}
}

func outcome(s syscall.WaitStatus) Outcome {
	if s.Signaled() {
		return Outcome{Signal: s.Signal()}
	}
	return Outcome{Status: s.ExitStatus()}
}
