//go:build linux

package launch

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sandrun/cmd/internal/voice"
	"sandrun/policy"
	"sandrun/sandbox"
	"sandrun/sandbox/record"
)

// denied is a record as a supervisor makes it.
func denied(scope policy.Scope, resource string) record.Record {
	return record.Record{
		Time: time.Unix(1795276460, 0), Scope: scope, Resource: resource, Call: "openat", Errno: syscall.EACCES,
		PID: 4711, TID: 4711, Exe: "/usr/bin/python3", Code: record.AccessDenied,
	}
}

// said returns what the voice says meanwhile.
func said(t *testing.T, during func()) string {
	t.Helper()
	var b bytes.Buffer
	old := voice.Heard
	voice.Heard = &b
	defer func() { voice.Heard = old }()
	during()
	return b.String()
}

// recorded runs a recording whose stderr is a pipe. It returns the records that
// arrive there and what the voice says in the end.
func recorded(t *testing.T, s *Settings, records ...record.Record) (lines, after string) {
	t.Helper()
	t.Setenv("HOME", "/home/me")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	rec, err := s.newRecording(policy.Throw)
	if err != nil {
		t.Fatal(err)
	}
	if rec.fd = int(writer.Fd()); s.logFile != "" {
		if err := rec.open(); err != nil {
			t.Fatal(err)
		}
	}
	after = said(t, func() {
		for _, r := range records {
			rec.take(r)
		}
		rec.sayAfter(rec.close(), true) // and the run failed
	})
	writer.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(reader); err != nil {
		t.Fatal(err)
	}
	return b.String(), after
}

func TestRecordsOnStderr(t *testing.T) {
	lines, after := recorded(t, &Settings{exitStatus: -1}, denied(policy.FSRead, "/a\nb"), denied(policy.Worker, ""), denied(policy.Worker, ""))
	const want = `sandrun: denied FileSystemRead $'/a\x0ab' (python3[4711] openat): $'--allow-fs-read=/a\x0ab'` + "\n" +
		"sandrun: denied WorkerThreads (python3[4711] openat): --allow-worker\n"
	if lines != want {
		t.Errorf("%s", lines)
	}
	if after != "" { // repeats are worth a word only where one asked for all
		t.Errorf("%q", after)
	}
}

func TestRecordsInFile(t *testing.T) {
	file := t.TempDir() + "/log"
	for _, format := range []string{"", "json"} {
		lines, after := recorded(t, &Settings{exitStatus: -1, logFile: file, logFormat: format}, denied(policy.FSRead, "/a"))
		if lines != "" || after != "" {
			t.Errorf("on stderr: %q, %q", lines, after)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, object, _ := strings.Cut(string(data), "\n")
	if want := "sandrun: denied FileSystemRead /a (python3[4711] openat): --allow-fs-read=/a"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
	if !json.Valid([]byte(object)) || strings.Count(object, "\n") != 1 || !strings.HasSuffix(object, "}\n") {
		t.Errorf("not one line of JSON: %q", object)
	}
	if st, err := os.Stat(file); err != nil || st.Mode() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

// TestRecordsWithoutReader: a pipe that nobody reads any more ends neither
// sandrun nor the recording, and nothing more is said into it.
func TestRecordsWithoutReader(t *testing.T) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	unix.Close(pipe[0])
	c := &recording{settings: &Settings{}, fd: pipe[1]}
	if err := c.write([]byte("x")); err != unix.EPIPE {
		t.Errorf("%v", err)
	}
	unix.Close(pipe[1])
	onStderr, inFile := &recording{fd: 2}, &recording{fd: 9}
	for _, s := range []record.Summary{{Lost: 1}, {Failed: 1}} {
		if !onStderr.stuck(s) || inFile.stuck(s) {
			t.Errorf("%+v: %v on stderr, %v in a file", s, onStderr.stuck(s), inFile.stuck(s))
		}
	}
	if onStderr.stuck(record.Summary{Limited: 1}) {
		t.Error("stuck, though everything was written that should be")
	}
}

// TestRecordsOnFullPipe: a pipe that nobody reads, blocking or not, holds up
// neither the target nor, for long, the end.
func TestRecordsOnFullPipe(t *testing.T) {
	for _, flags := range []int{unix.O_CLOEXEC, unix.O_CLOEXEC | unix.O_NONBLOCK} {
		var pipe [2]int
		if err := unix.Pipe2(pipe[:], flags); err != nil {
			t.Fatal(err)
		}
		s := &Settings{exitStatus: -1}
		rec, err := s.newRecording(policy.Throw)
		if err != nil {
			t.Fatal(err)
		}
		rec.fd = pipe[1]
		start := time.Now()
		for i := range 100_000 {
			rec.take(denied(policy.FSRead, "/"+strconv.Itoa(i)+strings.Repeat("x", 1000)))
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("a flood took %v", took)
		}
		start = time.Now()
		summary := rec.close()
		if took := time.Since(start); took < flushTime || took > flushTime+5*time.Second {
			t.Errorf("the end took %v", took)
		}
		if summary.Written == 0 || summary.Lost == 0 {
			t.Errorf("%+v", summary)
		}
		// The line that is being written goes on when there is room.
		drain(t, pipe[0], summary.Written)
		unix.Close(pipe[0])
	}
}

// drain reads that many whole lines.
func drain(t *testing.T, fd, lines int) {
	t.Helper()
	buffer := make([]byte, 1<<16)
	for seen := 0; seen < lines; {
		n, err := unix.Read(fd, buffer)
		if err != nil || n == 0 {
			t.Fatalf("after %d lines: %v", seen, err)
		}
		seen += bytes.Count(buffer[:n], []byte("\n"))
	}
}

func TestExplain(t *testing.T) {
	var many []record.Record
	for i := range 20 {
		many = append(many, denied(policy.FSRead, "/usr/lib/x/"+strconv.Itoa(i)))
	}
	made := denied(policy.FSWrite, "/tmp/out")
	made.Call = "mkdir"
	inEtc := make([]record.Record, 0, 40)
	probe := denied(policy.FSRead, "/proc/meminfo")
	probe.Probe = true
	for i := range 40 {
		inEtc = append(inEtc, denied(policy.FSRead, "/etc/"+strconv.Itoa(100+i)))
	}
	for _, c := range []struct {
		name    string
		records []record.Record
		want    []string
	}{
		{"nothing", nil, []string{"nothing was denied"}},
		{
			"two",
			[]record.Record{denied(policy.Worker, ""), denied(policy.FSRead, "/a b"), denied(policy.FSRead, "/c")},
			[]string{"to grant all that was denied: '--allow-fs-read=/a b,/c' --allow-worker"},
		},
		{
			"folded", many,
			[]string{"wider than what was denied: /usr/lib/x/ stands for 20 denials in it", "to grant all that was denied: --allow-fs-read=/usr/lib/x/"},
		},
		{
			"a directory",
			[]record.Record{made},
			[]string{
				"wider than what was denied: /tmp/out/ includes all that will be in it",
				"to grant all that was denied: --allow-fs-write=/tmp/out/ --no-create",
			},
		},
		{
			"a home",
			[]record.Record{denied(policy.FSRead, "/home/me"), denied(policy.FSRead, "/a")},
			[]string{
				"not suggested, because it grants far more than was asked for: --allow-fs-read=/home/me",
				"to grant the rest of what was denied: --allow-fs-read=/a",
			},
		},
		{
			"names for one run",
			[]record.Record{denied(policy.FSWrite, "/tmp/ccL4Qcig.s"), denied(policy.FSRead, "/tmp/ccL4Qcig.s"), denied(policy.FSWrite, "/srv/x/sedR2d2c3")},
			[]string{
				"wider than what was denied: @tmp stands for 1 denial in it",
				"wider than what was denied: /srv/x/ stands for 1 denial in it",
				"wider than what was denied: @tmp stands for 1 denial in it",
				"to grant all that was denied: --allow-fs-read=@tmp --allow-fs-write=/srv/x/,@tmp",
			},
		},
		{
			"only a probe",
			[]record.Record{probe},
			[]string{"nothing was denied but what most programs do without; if this one needs it: --allow-fs-read=/proc/meminfo"},
		},
		{
			"a probe too",
			[]record.Record{probe, denied(policy.FSRead, "/a")},
			[]string{"most programs do without, so that no record tells of it: --allow-fs-read=/proc/meminfo", "to grant all that was denied: --allow-fs-read=/a"},
		},
		{"no flag", []record.Record{denied(policy.FSRead, "")}, []string{"no flag grants 1 of the denials"}},
		{
			"too many", inEtc,
			[]string{"not suggested, because the line would be too long: 8 more denials", "to grant the rest of what was denied: --allow-fs-read=/etc/100,"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, after := recorded(t, &Settings{exitStatus: -1, explain: true}, c.records...)
			got := strings.Split(strings.TrimSuffix(after, "\n"), "\n")
			for i, want := range c.want {
				if i >= len(got) || !strings.HasPrefix(got[i], "sandrun: hint: "+want) {
					t.Fatalf("%s\nwants %q", after, want)
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("more than wanted: %s", after)
			}
		})
	}
}

// TestWhatIsLeftOut: the last lines count all that the records do not hold.
func TestWhatIsLeftOut(t *testing.T) {
	c := &recording{settings: &Settings{}, fd: 9}
	summary := record.Summary{Total: 60, Written: 10, Repeated: 1, Limited: 2, Crowded: 3, Failed: 4, Lost: 40}
	const want = "sandrun: warning: denials that are not in the records: 2 beyond 100 a second, 3 faster than they could be written, " +
		"4 that could not be written, 40 not yet written at the end, 1 repeat\n"
	if got := said(t, func() { c.sayAfter(summary, false) }); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := said(t, func() { c.sayAfter(record.Summary{Total: 1, Written: 1}, false) }); got != "" {
		t.Errorf("%q", got)
	}
}

// TestFullDisk: what a log file could not take is an error, even under --quiet.
func TestFullDisk(t *testing.T) {
	s := &Settings{exitStatus: -1, logFile: "log", quiet: true}
	rec, err := s.newRecording(policy.Throw)
	if err != nil {
		t.Fatal(err)
	}
	if rec.fd, err = unix.Open("/dev/full", unix.O_WRONLY|unix.O_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(rec.fd)
	rec.take(denied(policy.FSRead, "/a"))
	const want = `sandrun: error: --log-file "log": 1 record could not be written: no space left on device` + "\n"
	if got := said(t, func() { rec.close() }); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestQuietRecords: --quiet silences text on stderr, and nothing else.
func TestQuietRecords(t *testing.T) {
	for _, c := range []struct {
		settings Settings
		taken    bool
	}{
		{Settings{}, true},
		{Settings{quiet: true}, false},
		{Settings{quiet: true, logFormat: "text"}, false},
		{Settings{quiet: true, logFormat: "json"}, true},
		{Settings{quiet: true, logFile: "log"}, true},
	} {
		c.settings.exitStatus = -1
		rec, err := c.settings.newRecording(policy.Throw)
		if err != nil || (rec.take != nil) != c.taken {
			t.Errorf("%+v: %v", c.settings, err)
		}
		_, err = c.settings.newRecording(policy.Log)
		if (err == nil) != c.taken {
			t.Errorf("%+v under onerror log: %v", c.settings, err)
		}
		if _, err = c.settings.newRecording(policy.Exit); err != nil {
			t.Errorf("%+v under onerror exit: %v", c.settings, err)
		}
	}
}

func TestEnding(t *testing.T) {
	for _, c := range []struct {
		out    sandbox.Outcome
		status int // of --exit-status
		want   ending
	}{
		{sandbox.Outcome{Status: 3}, -1, ending{3, false}},
		{sandbox.Outcome{Signal: 9}, -1, ending{137, true}},
		{sandbox.Outcome{Signal: 9, Killed: true}, -1, ending{77, true}},
		{sandbox.Outcome{Signal: 9, Killed: true}, 0, ending{0, true}},
		{sandbox.Outcome{Status: 3}, 5, ending{3, false}},
	} {
		s := &Settings{exitStatus: c.status}
		if got := s.ending(c.out); got != c.want {
			t.Errorf("%+v with %d: %+v, want %+v", c.out, c.status, got, c.want)
		}
	}
}

// TestHintAfter: a run that failed gets at most one hint, and none where the
// records have explained it.
func TestHintAfter(t *testing.T) {
	summary := func(records ...record.Record) record.Summary {
		c := record.NewRecorder(func([]byte) error { return nil }, (*record.Record).JSON)
		for _, r := range records {
			c.Add(r)
		}
		return c.Close(time.Minute)
	}
	nothing, thread := summary(), summary(denied(policy.Worker, ""), denied(policy.FSRead, "/a"))
	const hint = "sandrun: hint: true cannot start threads: add --allow-worker\n"
	for _, c := range []struct {
		name     string
		settings Settings
		end      ending
		denied   record.Summary
		want     string
	}{
		{"threads", Settings{}, ending{1, false}, thread, hint},
		{"threads, and it aborts", Settings{}, ending{134, true}, thread, hint},
		{"it goes on without threads", Settings{}, ending{0, false}, thread, ""},
		{"--explain has said all", Settings{explain: true}, ending{1, false}, thread, ""},
		{"records have said all", Settings{}, ending{1, false}, summary(denied(policy.FSRead, "/a")), ""},
		{"nobody at a terminal", Settings{}, ending{1, false}, nothing, ""},
	} {
		r, err := c.settings.Request([]string{"/bin/true"})
		if err != nil {
			t.Fatal(err)
		}
		r.Dir = "/"
		facts, err := sandbox.Gather(r, false)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := sandbox.NewPlan(facts)
		if err != nil {
			t.Fatal(err)
		}
		if got := said(t, func() { c.settings.hintAfter(plan, c.end, c.denied) }); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
