//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A row is a script for the program fileops, run in a fresh tree with and without
// sandrun. Both must answer alike and leave the same tree, unless the row says what
// sandrun makes of it.
type row struct {
	calls string
	want  string // what sandrun answers instead; "" is what the kernel answers; "A/B" is one of both
}

// A shape is a way to grant one working area: WORK is its directory, which does
// not exist when a later shape is launched.
type shape struct {
	name  string
	flags []string
	later bool
}

var shapes = []shape{
	{"directory", []string{"--allow-fs-read=WORK", "--allow-fs-write=WORK"}, false},
	{"prefix", []string{"--allow-fs-read=WORK/w*", "--allow-fs-write=WORK/w*"}, true},
	{"prefix of what is there", []string{"--allow-fs-read=WORK/w*", "--allow-fs-write=WORK/w*"}, false},
	{"glob", []string{"--allow-fs-read=glob:WORK/**", "--allow-fs-write=glob:WORK/**"}, true},
	{"missing directory", []string{"--allow-fs-read=WORK/", "--allow-fs-write=WORK/", "--no-create"}, true},
}

// forProc grants what the rows read in /proc.
var forProc = []string{"--allow-fs-read=/proc/self,/proc/thread-self,/dev/fd,/proc/meminfo,/proc/sys/kernel/osrelease"}

// TestDifferential runs every row without sandrun and under each shape of grants.
func TestDifferential(t *testing.T) {
	rows := slices.Concat(openRows, resolveRows, changeRows, hostileRows, ownerRows, procRows)
	asEach(t, func(t *testing.T, u user, dir string) {
		w := newYard(t, u, dir)
		want := w.run(t, shape{}, rows)
		for _, s := range shapes {
			t.Run(s.name, func(t *testing.T) { compare(t, rows, want, w.run(t, s, rows)) })
		}
	})
}

// TestDifferentialOfFiles does the same with a plain grant for each file, of files
// that exist at launch and of files that appear later.
func TestDifferentialOfFiles(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		w := newYard(t, u, dir)
		s := shape{name: "files"}
		for i := range fileRows {
			for _, name := range []string{"f", "new", "new2", "empty", "ro", "wo", "x"} {
				path := fmt.Sprintf("%s/w%03d/%s", w.dir, i, name)
				s.flags = append(s.flags, "--allow-fs-read="+path, "--allow-fs-write="+path)
			}
		}
		want := w.run(t, shape{}, fileRows)
		for _, s.later = range []bool{false, true} {
			t.Run(fmt.Sprintf("later %v", s.later), func(t *testing.T) { compare(t, fileRows, want, w.run(t, s, fileRows)) })
		}
	})
}

// compare reports the rows whose answer or tree is not what it should be.
func compare(t *testing.T, rows []row, want, got []outcome) {
	t.Helper()
	for i, r := range rows {
		answer := want[i].answer
		if r.want != "" {
			answer = r.want
			if answers(answer, want[i].answer) {
				t.Errorf("%s\n\tis said to differ, but without sandrun it is %s too", r.calls, answer)
			}
		}
		if !answers(answer, got[i].answer) && got[i].answer != answer {
			t.Errorf("%s\n\t got %s\n\twant %s", r.calls, got[i].answer, answer)
		} else if r.want == "" && got[i].tree != want[i].tree {
			t.Errorf("%s\n\tanswers %s, and leaves another tree:\n%s", r.calls, answer, difference(want[i].tree, got[i].tree))
		}
	}
}

// answers compares call by call; what is wanted may have alternatives, or be "*", which is anything.
func answers(want, got string) bool {
	w, g := strings.Split(want, "; "), strings.Split(got, "; ")
	return len(w) == len(g) && !slices.ContainsFunc(w, func(alternatives string) bool {
		one := g[0]
		g = g[1:]
		return alternatives != "*" && !slices.Contains(strings.Split(alternatives, "/"), one)
	})
}

// difference shows the lines that only one of two texts has.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	var out strings.Builder
	for _, line := range a {
		if !slices.Contains(b, line) {
			fmt.Fprintf(&out, "\t-%s\n", line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			fmt.Fprintf(&out, "\t+%s\n", line)
		}
	}
	return out.String()
}

// An outcome is what a row answered, and the tree after it.
type outcome struct{ answer, tree string }

// A yard is a directory in which rows run, always under the same names. What
// is outside of the granted area is beside it.
type yard struct {
	u          user
	base       string // what is removed between runs
	dir        string // WORK
	out        string // holds what is not granted
	outside    string // the tree of out, which nothing may change under sandrun
	executable string
}

func newYard(t *testing.T, u user, dir string) *yard {
	t.Helper()
	w := &yard{u: u, base: dir + "/p", dir: dir + "/p/work", out: dir + "/out", executable: fileops}
	return w
}

// fence makes what is outside of the granted area, and remembers how it looks.
func (w *yard) fence(t *testing.T) {
	t.Helper()
	must(t, os.RemoveAll(w.out))
	write(t, w.u, w.out+"/secret", "secret\n", 0o644)
	write(t, w.u, w.out+"/d/f", "secret\n", 0o644)
	w.outside = treeOf(t, w.out)
}

// run makes the trees, runs the rows under a shape (the zero shape is no sandrun
// at all), and takes everything away again.
func (w *yard) run(t *testing.T, s shape, rows []row) []outcome {
	t.Helper()
	w.fence(t)
	defer func() { must(t, removeTree(w.base)) }()
	if !s.later {
		w.plant(t, rows)
	}
	o := w.launch(t, s)
	defer func() { o.stop() }()
	if s.later {
		w.plant(t, rows)
	}
	got := make([]outcome, len(rows))
	for i, r := range rows {
		dir := fmt.Sprintf("%s/w%03d", w.dir, i)
		answer, ok := o.ask(fmt.Sprintf("%03d\t%s\t%s", i, dir, strings.ReplaceAll(r.calls, "%O", w.out)))
		if !ok {
			t.Errorf("%s: no answer: %s", r.calls, answer)
			o.stop()
			o = w.launch(t, s)
		}
		got[i] = outcome{answer, treeOf(t, dir)}
	}
	if s.name != "" && treeOf(t, w.out) != w.outside {
		t.Errorf("something changed outside:\n%s", difference(w.outside, treeOf(t, w.out)))
	}
	return got
}

// removeTree removes a tree in which calls have closed directories to their owner.
func removeTree(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o700) // before it is read
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.RemoveAll(dir)
}

// launch starts the program that does the calls. Root has no capability under
// sandrun, so it has none here either.
func (w *yard) launch(t *testing.T, s shape) *operator {
	t.Helper()
	args := []string{w.executable, "-drop"}
	if s.name != "" {
		flags := []string{sandrun, "--quiet"}
		for _, f := range slices.Concat(s.flags, forProc) {
			flags = append(flags, strings.ReplaceAll(f, "WORK", w.dir))
		}
		args = append(append(flags, "--"), args[0])
	}
	return startOperator(t, command(w.u, filepath.Dir(w.base), args...))
}

// An operator is the running program and the lines that it answers.
type operator struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
}

func startOperator(t *testing.T, cmd *exec.Cmd) *operator {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errors strings.Builder
	cmd.Stderr = &errors
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o := &operator{cmd, in, make(chan string)}
	go func() {
		defer close(o.lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			o.lines <- scan.Text()
		}
	}()
	if line := o.line(); line != "ready" {
		o.stop()
		t.Fatalf("%q does not start: %s\n%s", cmd.Args, line, errors.String())
	}
	return o
}

// line waits for the next line.
func (o *operator) line() string {
	select {
	case line, ok := <-o.lines:
		if !ok {
			return "it ended"
		}
		return line
	case <-time.After(10 * time.Second):
		return "it hangs"
	}
}

// ask sends a script and returns what its calls answered.
func (o *operator) ask(script string) (answer string, ok bool) {
	if _, err := io.WriteString(o.in, script+"\n"); err != nil {
		return err.Error(), false
	}
	_, answer, ok = strings.Cut(o.line(), "\t")
	return strings.TrimSuffix(answer, "; "), ok
}

func (o *operator) stop() {
	o.in.Close()
	timer := time.AfterFunc(5*time.Second, func() { _ = o.cmd.Process.Kill() })
	for range o.lines {
	}
	_ = o.cmd.Wait()
	timer.Stop()
}

// makeReadable lets an ordinary user look into what is its own, once its mode was
// noted. Root can anyway.
func makeReadable(path string, st *syscall.Stat_t, bits uint32) error {
	if os.Geteuid() == 0 || st.Mode&bits == bits {
		return nil
	}
	return syscall.Chmod(path, st.Mode&0o7777|bits)
}

// treeOf describes everything below a directory but times and inode numbers.
func treeOf(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(path, &st); err != nil {
			return err
		}
		fmt.Fprintf(&out, "%s %o %d:%d", strings.TrimPrefix(path, dir), st.Mode, st.Uid, st.Gid)
		switch st.Mode & syscall.S_IFMT {
		case syscall.S_IFLNK:
			target, _ := os.Readlink(path)
			fmt.Fprintf(&out, " -> %s", target)
		case syscall.S_IFREG:
			must(t, makeReadable(path, &st, 0o400))
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, " links %d, %d bytes %.40q", st.Nlink, len(content), content)
		case syscall.S_IFDIR:
			must(t, makeReadable(path, &st, 0o500))
			fmt.Fprintf(&out, " links %d", st.Nlink)
		default:
			fmt.Fprintf(&out, " device %#x", st.Rdev)
		}
		out.WriteByte('\n')
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return out.String()
}
