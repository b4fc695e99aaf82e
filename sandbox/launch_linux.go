package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/landlock"
	"sandrun/sandbox/seccomp"
	"sandrun/sandbox/supervisor"
)

// These the Go runtime would answer otherwise than a program that has just begun: SIGQUIT
// with a listing of its goroutines, and a status that looks like the target's own; the
// others not at all.
func init() {
	for _, s := range [...]uintptr{uintptr(unix.SIGQUIT), uintptr(unix.SIGUSR1), uintptr(unix.SIGUSR2)} {
		var old, none action
		if signalAction(s, nil, &old); old.handler > ignoreAction {
			signalAction(s, &none, nil)
		}
	}
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
	Killed bool           // by us, because of a denied operation under onerror exit
}

// Run carries the plan out. A direct launch returns only on failure; a supervised
// one returns when the target has ended and every process that it left behind is
// killed.
//
// It must be called by a goroutine that is locked to the main thread: from an init
// function, or from main if an init function has called runtime.LockOSThread.
// Domains, filters and parent-death signals belong to a thread; the main thread
// lives as long as the process, and a direct launch must keep the pid.
func (p *Plan) Run() (Outcome, error) {
	if unix.Gettid() != os.Getpid() {
		return Outcome{}, &LaunchError{Err: errors.New("the launch is not on the main thread")}
	}
	privileged, err := prepareProcess(p.facts.listed())
	if err != nil {
		return Outcome{}, &LaunchError{Err: err}
	}
	guarded, err := p.verify()
	if err != nil {
		return Outcome{Killed: p.facts.Policy.OnError == policy.Exit}, err
	}
	defer guarded.release()
	if !p.Supervised() {
		return Outcome{}, p.launchDirect()
	}
	if privileged {
		if err := dropEverywhere(); err != nil {
			return Outcome{}, &LaunchError{Err: err}
		}
	}
	return p.launchSupervised(guarded)
}

// launchSupervised starts the thread that answers, which makes itself ready while this
// one forks the target.
func (p *Plan) launchSupervised(g *guarded) (Outcome, error) {
	var reports, ready [2]int
	for _, pipe := range [...]*[2]int{&reports, &ready} {
		if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
			return Outcome{}, &LaunchError{Err: fmt.Errorf("pipe: %w", err)}
		}
	}
	answering := make(chan report, 1)
	serving := make(chan struct{}, 1)
	go p.serve(reports[0], ready[1], serving, answering)
	signals, err := catchSignals()
	if err != nil {
		return Outcome{}, &LaunchError{Err: err}
	}
	s, err := p.sealing(reports[1])
	if err != nil {
		return Outcome{}, err
	}
	s.child, s.parent, s.traced, s.ready = true, uintptr(os.Getpid()), g.watches(), ready[0]
	<-serving
	return p.runSupervised(s, g, reports[0], answering, signals)
}

// launchDirect executes the target in the place of this process. It returns only on
// failure.
func (p *Plan) launchDirect() error {
	s, err := p.sealing(-1)
	if err != nil {
		return err
	}
	if mayCollect(len(p.Rules)) {
		quietRuntime()
	}
	letSignalsKill()
	carryOut()
	return p.failure(runDirect(s))
}

// sealing prepares what a thread seals itself with.
func (p *Plan) sealing(report int) (*sealing, error) {
	ruleset := -1
	if p.Handled != (landlock.Rights{}) {
		var err error
		if ruleset, err = landlock.NewRuleset(p.Handled, p.Rules); err != nil {
			return nil, &LaunchError{Err: err}
		}
	}
	s, err := newSealing(p, seccomp.Program(p.Choice), ruleset, report)
	if err != nil {
		return nil, &LaunchError{Err: err}
	}
	return s, nil
}

// prepareProcess does what holds for sandrun itself and is inherited. It tells
// whether sandrun has capabilities.
func prepareProcess(listed bool) (bool, error) {
	if err := clearPersonality(listed); err != nil {
		return false, fmt.Errorf("personality: %w", err)
	}
	if err := limitCores(); err != nil {
		return false, fmt.Errorf("setrlimit(RLIMIT_CORE): %w", err)
	}
	if err := closeInherited(); err != nil {
		return false, fmt.Errorf("close_range: %w", err)
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
		return &LaunchError{Err: &GapError{[]Gap{{"listener", "another supervisor above this one holds the only listener of the process tree, so that what needs one cannot be had here: " + strings.Join(p.Reasons, "; ")}}}}
	}
	return &LaunchError{Err: r}
}

// runSupervised forks a child that seals itself, and waits for it.
func (p *Plan) runSupervised(s *sealing, g *guarded, reports int, answering <-chan report, signals int) (Outcome, error) {
	tree, err := confine(p.Handled)
	if err != nil {
		return Outcome{}, &LaunchError{Err: err}
	}
	pid, err := s.fork()
	if err != nil {
		return Outcome{}, &LaunchError{Err: err}
	}
	launched.Store(int32(pid))
	tree.first = pid
	go forwardSignals(signals, pid)
	var swapped error
	if g.watches() {
		swapped = g.watchExec(pid, p.Program)
	}
	g.release()
	wait(pid)
	waited.Store(true)
	if p.forks() {
		tree.kill()
	}
	status := reap(pid, 0)
	// What the child said before it ended is read first.
	s.say(report{})
	r := <-answering
	if r.stage == stageListening {
		r = readReport(reports)
	}
	if r.stage != 0 {
		return Outcome{}, p.failure(r)
	}
	if swapped != nil {
		if err := p.mismatch(p.Program, swapped); err != nil {
			return Outcome{Killed: p.facts.Policy.OnError == policy.Exit}, err
		}
	}
	out := outcome(status)
	out.Killed = killed.Load()
	return out, nil
}

// launched is the first process of the target, killed is set when a denied operation
// is to end it, and waited when nobody waits for it any more.
var (
	launched       atomic.Int32
	killed, waited atomic.Bool
)

// firstProcess is the pid of the first process of the target, which runs already.
func firstProcess() int {
	for launched.Load() == 0 { // its fork has not returned here yet
		time.Sleep(time.Millisecond)
	}
	return int(launched.Load())
}

// killTarget ends the first process of the target, and has the thread that waits for
// it end all others: by a signal, because the end of a process that another one
// traces is told to that one alone. Nothing of the target gets an answer meanwhile.
func killTarget() {
	killed.Store(true)
	_ = unix.Kill(firstProcess(), unix.SIGKILL)
	for !waited.Load() { // a signal that comes too early is lost
		interrupt(os.Getpid())
		time.Sleep(time.Millisecond)
	}
}

// delayReady holds the supervisor up before it lets the child execute; the tests set it.
var delayReady time.Duration

// serve looks at what was granted, lets the child execute, reads its first report,
// hands it over, and if it is the listener serves that. The child waits because the
// target must change nothing before it was looked at.
//
// It says when it has a thread, which must be made before the main thread confines
// itself: threads inherit domains, and from inside one Linux before 6.15 lets no signal
// reach the others.
func (p *Plan) serve(reports, ready int, serving chan<- struct{}, first chan<- report) {
	runtime.LockOSThread()
	serving <- struct{}{}
	rules := p.supervision()
	rules.Kill, rules.First = killTarget, firstProcess
	s := supervisor.New(rules)
	time.Sleep(delayReady)
	if _, err := unix.Write(ready, []byte{0}); err != nil {
		fatal(fmt.Errorf("write: %w", err))
	}
	r := readReport(reports)
	first <- r
	if r.stage == stageListening {
		s.Serve(int(r.value))
	}
}

// readReport waits for the next report; a zero report means that the pipe broke.
func readReport(fd int) (r report) {
	b := unsafe.Slice((*byte)(unsafe.Pointer(&r)), unsafe.Sizeof(r))
	for {
		n, err := unix.Read(fd, b)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != len(b) {
			return report{}
		}
		return r
	}
}

// fatal ends the supervisor, and with it the target, where it cannot go on.
func fatal(err error) {
	fmt.Fprintf(os.Stderr, "sandrun: error: %v\n", err)
	os.Exit(125)
}
