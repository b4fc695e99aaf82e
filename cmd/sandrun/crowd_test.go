//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crowdFlags grant a directory by a prefix. The crowd works in one of such a name that
// it makes itself, so that every call on what is in it is made on behalf.
func crowdFlags(dir string) []string {
	return []string{"--quiet", "--allow-fs-read=" + dir + "*", "--allow-fs-write=" + dir + "*", "--allow-worker", "--allow-child-process"}
}

// TestCrowd: what blocks one caller must not stop the others.
func TestCrowd(t *testing.T) {
	for _, what := range []string{"fifo", "lease", "flood", "signal", "cores"} {
		t.Run(what, func(t *testing.T) {
			asEach(t, func(t *testing.T, u user, dir string) {
				for _, run := range []func() result{
					func() result { return plain(t, u, dir, crowd, what, crowdDir(t, u)) },
					func() result {
						d := crowdDir(t, u)
						return sandboxed(t, u, dir, crowdFlags(d), crowd, what, d)
					},
				} {
					if r := run(); r.out != "ok\n" || r.status != 0 {
						t.Errorf("status %d: %s%s", r.status, r.out, r.err)
					}
				}
			})
		})
	}
}

// TestGoroutines: the Go runtime sends itself a signal every 10 ms, which must not
// make trapped calls start again and again.
func TestGoroutines(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		d := crowdDir(t, u)
		start := time.Now()
		if r := sandboxed(t, u, dir, crowdFlags(d), gopher, d, "5000"); r.out != "ok\n" || r.status != 0 {
			t.Errorf("status %d: %s%s", r.status, r.out, r.err)
		}
		t.Logf("15000 calls in %v", time.Since(start).Round(time.Millisecond))
	})
}

func crowdDir(t *testing.T, u user) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandrun-crowd-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir); os.RemoveAll(dir + "-new") })
	own(t, u, dir)
	write(t, u, dir+"/file", "file", 0o644)
	write(t, u, dir+"/other", "other", 0o644)
	return dir
}

// TestKilledCallersLeaveNothing counts what the supervisor holds after callers were
// killed while they waited in it.
func TestKilledCallersLeaveNothing(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		d := crowdDir(t, u)
		cmd := command(u, dir, append(append([]string{sandrun}, crowdFlags(d)...), "--", crowd, "killed", d, "20")...)
		in, err := cmd.StdinPipe()
		must(t, err)
		out, err := cmd.StdoutPipe()
		must(t, err)
		cmd.Stderr = os.Stderr
		must(t, cmd.Start())
		defer func() { in.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() }()
		lines := bufio.NewScanner(out)
		round := func() (threads, descriptors int) {
			_, err := io.WriteString(in, "x")
			must(t, err)
			if !lines.Scan() || lines.Text() != "gone" {
				t.Fatalf("instead of a round: %s", lines.Text())
			}
			return settled(t, cmd.Process.Pid)
		}
		threads, descriptors := round()
		if descriptors == 0 && os.Geteuid() == 0 {
			t.Fatal("the supervisor has no descriptors: nothing is counted")
		}
		for range 4 {
			nowThreads, nowDescriptors := round()
			if nowDescriptors > descriptors {
				t.Errorf("%d descriptors, %d after the first round", nowDescriptors, descriptors)
			}
			if nowThreads > threads+4 { // the Go runtime may start some of its own
				t.Errorf("%d threads, %d after the first round", nowThreads, threads)
			}
		}
		if threads > 20 {
			t.Errorf("%d threads stay behind after the first round", threads)
		}
	})
}

// TestBlockedOpensAreBounded: each open that blocks takes a thread of the supervisor's,
// but no more than 256 of them at once; the others fail. To look at a caller the Go runtime
// may start another thread for each: 280 to 416 were seen with 250 blocked opens.
func TestBlockedOpensAreBounded(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		d := crowdDir(t, u)
		cmd := command(u, dir, append(append([]string{sandrun}, crowdFlags(d)...), "--", crowd, "blocked", d, "250")...)
		must(t, cmd.Start())
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		most := 0
		for {
			select {
			case err := <-done:
				if must(t, err); most < 250 || most > 2*250+50 {
					t.Errorf("%d threads at most, with 250 blocked opens", most)
				}
				d := crowdDir(t, u)
				if r := sandboxed(t, u, dir, crowdFlags(d), crowd, "many", d); r.out != "256 wait, 44 EAGAIN\n" || r.status != 0 {
					t.Errorf("status %d: %s%s", r.status, r.out, r.err)
				}
				return
			case <-time.After(5 * time.Millisecond):
				list, _ := os.ReadDir("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/task") // it may have ended
				most = max(most, len(list))
			}
		}
	})
}

// TestSignalsToTheSupervisor: the Go runtime sends signals to its own threads. One that
// comes while a descriptor is handed over must not leave the caller with the number of
// another file.
func TestSignalsToTheSupervisor(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		d := crowdDir(t, u)
		cmd := command(u, dir, append(append([]string{sandrun}, crowdFlags(d)...), "--", crowd, "opens", d)...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		must(t, cmd.Start())
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		pid := cmd.Process.Pid
		for {
			list, _ := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task") // it may have ended
			for range 200 {
				for _, e := range list {
					if tid, err := strconv.Atoi(e.Name()); err == nil {
						_ = unix.Tgkill(pid, tid, unix.SIGURG)
					}
				}
			}
			select {
			case err := <-done:
				if err != nil || out.String() != "ok\n" {
					t.Errorf("%v: %s", err, out.String())
				}
				return
			default:
			}
		}
	})
}

// settled counts the threads and descriptors of a process once they stop changing.
func settled(t *testing.T, pid int) (threads, descriptors int) {
	t.Helper()
	same := 0
	for range 100 {
		nowThreads, nowDescriptors := entries(t, pid, "task"), entries(t, pid, "fd")
		if nowThreads == threads && nowDescriptors == descriptors {
			same++
		} else {
			same = 0
		}
		if threads, descriptors = nowThreads, nowDescriptors; same == 10 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return threads, descriptors
}

// entries counts what a process has. Only root may see a supervisor's descriptors:
// nobody else is to look into one.
func entries(t *testing.T, pid int, what string) int {
	t.Helper()
	list, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/" + what)
	if what == "fd" && os.Geteuid() != 0 {
		if !errors.Is(err, os.ErrPermission) {
			t.Errorf("the supervisor's descriptors can be seen: %v", err)
		}
		return 0
	}
	must(t, err)
	return len(list)
}

// TestKilledSupervisor: the first process dies with its supervisor; the others live
// on, and what only the supervisor could allow is refused.
func TestKilledSupervisor(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		d := crowdDir(t, u)
		cmd := command(u, dir, append(append([]string{sandrun}, crowdFlags(d)...), "--", crowd, "orphan", d)...)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
		lines := bufio.NewScanner(out)
		var first int
		if !lines.Scan() {
			t.Fatal("the child says nothing")
		}
		if _, err := fmt.Sscanf(lines.Text(), "running %d", &first); err != nil {
			t.Fatalf("the child says: %s", lines.Text())
		}
		must(t, cmd.Process.Kill())
		var said []string
		for lines.Scan() {
			said = append(said, lines.Text())
		}
		want := "open: ENOSYS; openat2: ENOSYS; create: ENOSYS; mkdir: ENOSYS; parent gone; ok"
		if got := strings.Join(said, "; "); got != want {
			t.Errorf("without a supervisor: %s, want %s", got, want)
		}
		if err := syscall.Kill(first, 0); err != syscall.ESRCH && !isZombie(first) {
			t.Errorf("the first process lives on: %v", err)
		}
		for _, name := range []string{"made", "dir"} {
			if _, err := os.Lstat(d + "/" + name); err == nil {
				t.Errorf("%s was made without a supervisor", name)
			}
		}
	})
}

// isZombie says whether a process has ended and nobody has asked for its status.
func isZombie(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}
