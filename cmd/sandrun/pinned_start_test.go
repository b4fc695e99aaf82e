//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestPinnedStarts starts a listed program and one that is not in every way that a
// process can, with signals on their way: to be watched changes nothing.
func TestPinnedStarts(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		p := toolbox(t, u)
		p.permits = childGrants + `, "allow-worker": true`
		write(t, u, p.dir+"/starter", string(mustRead(t, starter)), 0o755)
		for _, name := range []string{"./static", "./script", "/bin/true"} {
			for _, how := range []string{"fork", "vfork", "spawn", "thread", "threads", "signals", "stops"} {
				r := p.run(t, "./starter", how, "60", name)
				lines := strings.Fields(r.out)
				if len(lines) < 4 || strings.Join(lines[len(lines)-4:], " ") != "60 well, 0 killed" {
					t.Errorf("%s %s: status %d: %s%s", how, name, r.status, r.out, r.err)
				}
			}
			if r := p.run(t, "./starter", "kills", "200", name); r.status != 0 || !strings.Contains(r.out, " killed\n") {
				t.Errorf("kills %s: status %d: %s%s", name, r.status, r.out, r.err)
			}
		}
	})
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// TestTracedStarts: who is traced by another process cannot be watched, so that a
// listed program is refused there.
func TestTracedStarts(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		p := toolbox(t, u)
		p.permits = childGrants + `, "allow-inspector": true`
		write(t, u, p.dir+"/starter", string(mustRead(t, starter)), 0o755)
		for name, want := range map[string]string{"./static": "0 well, 0 killed\n", "/bin/true": "5 well, 0 killed\n"} {
			r := sandboxed(t, u, p.dir, []string{"--explain", "--policy", p.manifest(t)}, "./starter", "traced", "5", name)
			if r.status != 0 || r.out != want || (name == "./static") != strings.Contains(r.err, "another process traces this one") {
				t.Errorf("%s: status %d: %s%s", name, r.status, r.out, r.err)
			}
		}
	})
}

// TestPinnedLoaderOfChildren: a listed ELF interpreter is the one that is mapped, also
// of a program that is not listed itself.
func TestPinnedLoaderOfChildren(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		loader := string(mustRead(t, loaderOf(t, u, "/")))
		p := newPinned(t, u, map[string]string{"ld.so": loader, "true": "#!/bin/true\n"})
		p.permits = childGrants
		main := compiled(t, "good", "-Wl,--dynamic-linker="+p.dir+"/ld.so")
		write(t, u, p.dir+"/main", main, 0o755)
		write(t, u, p.dir+"/evil.so", loader+"x", 0o755)
		o := p.shell(t)
		defer o.stop()
		does(t, o, "./main", "0 good")
		stop := swapper(t, exchange(p.dir+"/ld.so", p.dir+"/evil.so"))
		seen := map[string]int{}
		for range 10 {
			answer, _ := o.ask("./main")
			seen[strings.TrimSpace(answer)]++
		}
		t.Log(seen, stop())
		must(t, keepingMode("ld.so", replaced("ld.so", loader+"x"))(p.dir))
		must(t, chownAll(u, p.dir))
		does(t, o, "./main", "137")
		must(t, os.Remove(p.dir+"/ld.so"))
		does(t, o, "./main", fmt.Sprint(127))
	})
}
