//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestChangeDuringTheRun: a data file that changes between two opens is caught.
func TestChangeDuringTheRun(t *testing.T) {
	statuses := map[string]int{"throw": 13, "exit": 77, "log": 0}
	asEach(t, func(t *testing.T, u user, _ string) {
		for onError, status := range statuses {
			for kind, change := range changes {
				p := trio(t, u, onError)
				c := command(u, p.dir, sandrun, "--policy", p.manifest(t), "--", "./script", "data")
				in, err := c.StdinPipe()
				must(t, err)
				var errout bytes.Buffer
				c.Stderr = &errout
				out := waitFor(t, c, "read right")
				must(t, change("data", "wrong")(p.dir))
				must(t, chownAll(u, p.dir))
				_, err = in.Write([]byte("\n"))
				must(t, err)
				got := statusOf(ended(t, c))
				if got != status || !strings.Contains(errout.String(), code) || !strings.Contains(errout.String(), p.resources["./data"]) {
					t.Errorf("%s: %s: status %d, want %d: %s%s", onError, kind, got, status, out, errout.String())
				}
			}
		}
	})
}

// compiled builds variants of testdata/probe/mark.c.
func compiled(t *testing.T, mark string, flags ...string) string {
	t.Helper()
	out := fmt.Sprintf("%s/mark-%d", t.TempDir(), time.Now().UnixNano())
	args := append([]string{"-O1", "-DMARK=" + mark, "-o", out}, flags...)
	msg, err := exec.Command("gcc", append(args, "../../testdata/probe/mark.c")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v", msg, err)
	}
	data, err := os.ReadFile(out)
	must(t, err)
	return string(data)
}

// shell starts a shell that runs each line and answers with its status and output.
func (p *lockbox) shell(t *testing.T, flags ...string) *operator {
	t.Helper()
	const loop = `cd "$1"; echo ready; while IFS= read -r line; do out=$(eval "$line" 2>&1); echo "x	$? $out" | tr '\n' ' '; echo; done`
	args := append([]string{sandrun, "--quiet", "--policy", p.manifest(t)}, flags...)
	return startOperator(t, command(p.u, p.dir, append(args, "--", "/bin/sh", "-c", loop, "sh", p.dir)...))
}

// does runs lines in a shell, each with the answer that it must have.
func does(t *testing.T, o *operator, lines ...string) {
	t.Helper()
	for i := 0; i < len(lines); i += 2 {
		got, _ := o.ask(lines[i])
		if got = strings.TrimSpace(got); !strings.HasPrefix(got, lines[i+1]) || lines[i+1] == "" {
			t.Errorf("%s: %q, want %q", lines[i], got, lines[i+1])
		}
	}
}

const childGrants = `"allow-fs-read": ["./", "@system", "/dev/fd", "/proc/self"], "allow-fs-write": ["./out/"], "allow-child-process": true, "allow-addons": true`

// toolbox pins programs that a child may execute.
func toolbox(t *testing.T, u user) *lockbox {
	t.Helper()
	p := newPinned(t, u, map[string]string{
		"dynamic": compiled(t, "good"), "static": compiled(t, "good", "-static"), "bare": compiled(t, "good", "-static", "-nostdlib", "-DBARE"),
		"script": "#!/bin/sh\necho good\n", "flagged": "#!/bin/sh -e\nfalse\necho EVIL\n", "plain": "echo good\n",
	})
	must(t, os.Chmod(p.dir+"/plain", 0o755))
	p.permits = childGrants
	must(t, os.Mkdir(p.dir+"/out", 0o755))
	must(t, os.WriteFile(p.dir+"/evil", []byte(compiled(t, "EVIL")), 0o755))
	must(t, os.WriteFile(p.dir+"/evil-bare", []byte(compiled(t, "EVIL", "-static", "-nostdlib", "-DBARE")), 0o755))
	must(t, os.WriteFile(p.dir+"/evil.sh", []byte("#!/bin/sh\necho EVIL\n"), 0o755))
	must(t, chownAll(u, p.dir))
	return p
}

// TestPinnedChildren: a listed program runs where it is right, and nowhere else.
func TestPinnedChildren(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		p := toolbox(t, u)
		o := p.shell(t)
		defer o.stop()
		for _, name := range []string{"dynamic", "static", "bare", "script", "plain"} {
			does(t, o, "./"+name, "0 good", p.dir+"/"+name, "0 good", "cd out; ../"+name, "0 good", "cd out; exec /proc/self/cwd/../"+name, "0 good")
		}
		does(t, o, "./flagged", "1", "./evil", "0 EVIL", "/bin/true", "0", "./none", "127")
		for _, name := range []string{"dynamic", "static", "bare", "script", "flagged"} {
			evil := map[bool]string{true: "evil.sh", false: "evil"}[name == "script"]
			must(t, all(func(dir string) error { return os.Link(dir+"/"+name, dir+"/hard-"+name) }, linked(name, "link-"+name))(p.dir))
			must(t, chownAll(u, p.dir))
			does(t, o, "./link-"+name, map[bool]string{true: "1", false: "0 good"}[name == "flagged"])
			for _, way := range []func(string) error{
				func(dir string) error {
					return all(removed(name), func(dir string) error { return os.Link(dir+"/"+evil, dir+"/"+name) })(dir)
				},
				linked(evil, name), linked("out/gone", name),
			} {
				must(t, way(p.dir))
				want := "126"
				if _, err := os.Stat(p.dir + "/" + name); err != nil {
					want = "127"
				}
				does(t, o, "./"+name, want, "./link-"+name, want, p.dir+"/"+name, want, "cd out; ../"+name, want)
			}
			must(t, all(removed(name), func(dir string) error { return os.Rename(dir+"/hard-"+name, dir+"/"+name) })(p.dir))
			does(t, o, "./"+name, map[bool]string{true: "1", false: "0 good"}[name == "flagged"])
		}
		must(t, written("static", "\x7fELX")(p.dir))
		does(t, o, "./static", "126", "./dynamic", "0 good", "exec 5<static", "2", "exec 5<dynamic; /proc/self/fd/5", "126")
	})
}

// A swapper exchanges what a name leads to, as fast as it can.
func swapper(t *testing.T, swap func()) (stop func() int) {
	t.Helper()
	done, count := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-done:
				count <- n
				return
			default:
				swap()
				n++
			}
		}
	}()
	return func() int { close(done); return <-count }
}

// exchange swaps two names.
func exchange(a, b string) func() {
	return func() { _ = unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE) }
}

// starts has a shell start a program again and again, and counts what it says, and its
// statuses with a "=" before them.
func (o *operator) starts(name string) map[string]int {
	seen := map[string]int{}
	for range *launches / 8 { // of 100 starts
		answer, _ := o.ask("i=0; while [ $i -lt 100 ]; do ./" + name + " 2>/dev/null; echo =$?; i=$((i+1)); done | sort | uniq -c | tr '\\n' ','")
		for part := range strings.SplitSeq(answer, ",") {
			var n int
			var what string
			if _, err := fmt.Sscan(part, &n, &what); err == nil {
				seen[what] += n
			}
		}
	}
	return seen
}

// TestRaceOfPinnedChildren exchanges a listed program for another while it is
// executed again and again: the other never gets to its first line.
func TestRaceOfPinnedChildren(t *testing.T) {
	u := racingUser()
	for _, name := range []string{"dynamic", "static", "bare", "script", "flagged"} {
		for kind, other := range map[string]string{"program": "evil", "bare": "evil-bare", "script": "evil.sh", "link": "link"} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				p := toolbox(t, u)
				must(t, linked("evil", "link")(p.dir))
				o := p.shell(t)
				defer o.stop()
				stop := swapper(t, exchange(p.dir+"/"+name, p.dir+"/"+other))
				untilMet(t, func() bool {
					seen := o.starts(name)
					if t.Log(seen); seen["EVIL"] > 0 {
						t.Errorf("the other program ran %d times", seen["EVIL"])
					}
					return (name == "flagged" || seen["good"] > 0) && seen["=126"] > 0
				})
				t.Logf("%d swaps", stop())
				if mark, err := os.ReadFile(p.dir + "/mark"); err == nil {
					t.Errorf("a mark was left: %s", mark)
				}
			})
		}
	}
}

// TestRaceOfPinnedImages: a listed program whose content is wrong does not run under
// another name either, that of a program which is not listed when it is looked at.
func TestRaceOfPinnedImages(t *testing.T) {
	u := racingUser()
	for kind, other := range map[string]string{"name": "static", "link": "link"} {
		t.Run(kind, func(t *testing.T) {
			p := toolbox(t, u)
			write(t, u, p.dir+"/tool", compiled(t, "good", "-static"), 0o755)
			must(t, linked("static", "link")(p.dir))
			if other == "static" {
				must(t, os.Remove(p.dir+"/link"))
			}
			o := p.shell(t)
			defer o.stop()
			must(t, os.WriteFile(p.dir+"/static", []byte(compiled(t, "EVIL", "-static")), 0o755)) // the same inode
			stop := swapper(t, exchange(p.dir+"/tool", p.dir+"/"+other))
			untilMet(t, func() bool {
				seen := o.starts("tool")
				if t.Log(seen); seen["EVIL"] > 0 {
					t.Errorf("the wrong content ran %d times", seen["EVIL"])
				}
				return seen["good"] > 0 && seen["=126"] > 0
			})
			t.Logf("%d swaps", stop())
		})
	}
}
