//go:build linux

package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// launches is how often the race of a launch is run in each way, and that of a child's
// start a dozen times as often. Both take milliseconds, so that the other side swaps
// some hundred times during each.
var launches = flag.Int("launches", 64, "how often a launch is raced in each way")

// TestRaceOfPinnedLaunch exchanges the program for another, as fast as possible,
// while it is launched again and again: the other never runs.
func TestRaceOfPinnedLaunch(t *testing.T) {
	u := racingUser()
	for _, name := range []string{"dynamic", "static", "bare", "script", "flagged"} {
		for kind, other := range map[string]string{"program": "evil", "bare": "evil-bare", "script": "evil.sh", "link": "link", "directory": ""} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				p := toolbox(t, u)
				p.permits = strings.Replace(childGrants, `"@system"`, `"@system", "./"`, 1)
				must(t, linked("evil", "link")(p.dir))
				command := "./" + name
				swap := exchange(p.dir+"/"+name, p.dir+"/"+other)
				if kind == "directory" { // the listed name leads through a link
					must(t, os.MkdirAll(p.dir+"/bad", 0o755))
					must(t, os.Link(p.dir+"/evil", p.dir+"/bad/"+name))
					must(t, all(linked(".", "way"), linked("bad", "way2"))(p.dir))
					p.resources["./way/"+name] = p.resources["./"+name]
					delete(p.resources, "./"+name)
					command = "./way/" + name
					swap = exchange(p.dir+"/way", p.dir+"/way2")
				}
				must(t, chownAll(u, p.dir))
				manifest := p.manifest(t)
				stop := swapper(t, swap)
				seen := map[string]int{}
				for range *launches {
					r := sandboxed(t, u, p.dir, []string{"--quiet", "--policy", manifest}, command)
					if strings.Contains(r.out, "EVIL") {
						t.Errorf("it ran: status %d: %s%s", r.status, r.out, r.err)
					}
					seen[fmt.Sprint(strings.TrimSpace(r.out), r.status)]++
				}
				t.Logf("%v, %d swaps", seen, stop())
				if mark, err := os.ReadFile(p.dir + "/mark"); err == nil {
					t.Errorf("a mark was left: %s", mark)
				}
			})
		}
	}
}

// TestPinnedLoader: a listed ELF interpreter is verified at the launch.
func TestPinnedLoader(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		loader, err := os.ReadFile(loaderOf(t, u, "/"))
		must(t, err)
		p := newPinned(t, u, map[string]string{"ld.so": string(loader)})
		p.permits = childGrants
		write(t, u, p.dir+"/main", compiled(t, "good", "-Wl,--dynamic-linker="+p.dir+"/ld.so"), 0o755)
		if r := p.run(t, "./main"); r.status != 0 || r.out != "good\n" {
			t.Errorf("status %d: %s%s", r.status, r.out, r.err)
		}
		must(t, keepingMode("ld.so", replaced("ld.so", string(loader)+"x"))(p.dir))
		must(t, chownAll(u, p.dir))
		if r := p.run(t, "./main"); r.status != 126 || r.out != "" || !strings.Contains(r.err, code) {
			t.Errorf("status %d: %s%s", r.status, r.out, r.err)
		}
	})
}

// TestWritersDuringTheLaunch: what is open for writing, or what others here could
// write, is not started.
func TestWritersDuringTheLaunch(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		for _, name := range []string{"dynamic", "static", "script"} {
			p := toolbox(t, u)
			mustWork(t, p.run(t, "./"+name))
			f, err := os.OpenFile(p.dir+"/"+name, os.O_WRONLY, 0)
			must(t, err)
			r := p.run(t, "./"+name)
			must(t, f.Close())
			if r.status != 126 || !strings.Contains(r.err, "somebody has it open for writing") || !strings.Contains(r.err, code) {
				t.Errorf("%s: status %d: %s%s", name, r.status, r.out, r.err)
			}
			mustWork(t, p.run(t, "./"+name))
			if os.Geteuid() != 0 {
				continue
			}
			other := map[bool]int{true: 0, false: 1000}[u.id != 0]
			must(t, os.Chown(p.dir+"/"+name, other, other))
			must(t, os.Chmod(p.dir+"/"+name, 0o757))
			if r := p.run(t, "./"+name); r.status != 126 || !strings.Contains(r.err, "it can be written here and is not ours") {
				t.Errorf("%s: status %d: %s%s", name, r.status, r.out, r.err)
			}
			must(t, os.Chmod(p.dir+"/"+name, 0o755))
			mustWork(t, p.run(t, "./"+name))
		}
	})
}

// TestRaceOfWriters writes into a program while it is launched. The writer waits, or
// the launch is refused.
func TestRaceOfWriters(t *testing.T) {
	u := racingUser()
	for _, name := range []string{"static", "script"} {
		p := toolbox(t, u)
		good, err := os.ReadFile(p.dir + "/" + name)
		must(t, err)
		evil := strings.Replace(string(good), "good", "EVIL", 1)
		manifest := p.manifest(t)
		writer := exec.Command("/bin/sh", "-c", `cd "$1"; while :; do cat "$2" 1<>"$3" 2>/dev/null; sleep 0.02; cat "$4" 1<>"$3" 2>/dev/null; cat "$2" 1<>"$3" 2>/dev/null; sleep 0.01; done`, "sh", t.TempDir(), p.dir+"/good.copy", p.dir+"/"+name, p.dir+"/evil.copy")
		must(t, os.WriteFile(p.dir+"/good.copy", good, 0o644))
		must(t, os.WriteFile(p.dir+"/evil.copy", []byte(evil), 0o644))
		must(t, writer.Start())
		seen := map[string]int{}
		for range 4 * *launches {
			r := sandboxed(t, u, p.dir, []string{"--quiet", "--policy", manifest}, "./"+name)
			if strings.Contains(r.out, "EVIL") {
				t.Errorf("it ran: status %d: %s%s", r.status, r.out, r.err)
			}
			seen[fmt.Sprint(strings.TrimSpace(r.out), r.status)]++
		}
		_ = writer.Process.Kill()
		_ = writer.Wait()
		t.Logf("%s: %v", name, seen)
	}
}
