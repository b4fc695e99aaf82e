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
		write(t, u, p.dir+"/unlisted", "#!"+p.dir+"/static\n", 0o755)
		for name, want := range map[string]string{"./static": "0 well, 0 killed\n", "./unlisted": "0 well, 0 killed\n", "/bin/true": "5 well, 0 killed\n"} {
			r := sandboxed(t, u, p.dir, []string{"--explain", "--policy", p.manifest(t)}, "./starter", "traced", "5", name)
			if r.status != 0 || r.out != want || (name != "/bin/true") != strings.Contains(r.err, "another process traces this one") {
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

// TestPinnedInterpreters: a listed file that only a #! line names is verified as well,
// be it a program or a script itself.
func TestPinnedInterpreters(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		p := toolbox(t, u)
		write(t, u, p.dir+"/byprogram", "#!"+p.dir+"/static\n", 0o755)
		write(t, u, p.dir+"/byscript", "#!"+p.dir+"/script\n", 0o755)
		o := p.shell(t)
		defer o.stop()
		does(t, o, "./byprogram", "0 good", "./byscript", "0 good")
		for user, name := range map[string]string{"byprogram": "static", "byscript": "script"} {
			for _, other := range []string{"evil", "evil-bare", "evil.sh", "hashbang"} {
				write(t, u, p.dir+"/hashbang", "#!"+p.dir+"/evil\n", 0o755)
				must(t, all(moved(name, "right"), func(dir string) error { return os.Link(dir+"/"+other, dir+"/"+name) })(p.dir))
				does(t, o, "./"+user, "126")
				must(t, all(removed(name), moved("right", name))(p.dir))
			}
			does(t, o, "./"+user, "0 good")
		}
		must(t, os.Remove(p.dir+"/script"))
		does(t, o, "./byscript", "127")
	})
}

// TestStaleVerdict: what was right while somebody could still write it is looked at
// again.
func TestStaleVerdict(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		p := toolbox(t, u)
		p.permits = strings.Replace(p.permits, `["./out/"]`, `["./"]`, 1)
		write(t, u, p.dir+"/starter", string(mustRead(t, starter)), 0o755)
		must(t, os.Chmod(p.dir, 0o777))
		if err := os.Link(p.dir+"/static", p.dir+"/right"); err != nil {
			t.Fatal(err)
		}
		must(t, chownAll(u, p.dir))
		// Opening a listed file gives the verified bytes.
		r := p.run(t, "./starter", "stale", "./right", "./static", "good", "EVIL")
		if r.status != 0 || r.out != "126 126\n" {
			t.Errorf("status %d: %s%s", r.status, r.out, r.err)
		}
		if data := string(mustRead(t, p.dir+"/static")); !strings.Contains(data, "EVIL") {
			t.Error("it was not written")
		}
	})
}

// TestFreshProgramsRun: a program that was just written can be executed, whatever the
// supervisor did for it.
func TestFreshProgramsRun(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		must(t, os.Mkdir(dir+"/out", 0o755))
		own(t, u, dir+"/out")
		write(t, u, dir+"/program", compiled(t, "good", "-static"), 0o755)
		const loop = `n=0; i=0; while [ $i -lt 60 ]; do %s out/new && out/new >/dev/null || n=$((n+1)); rm -f out/new; i=$((i+1)); done; echo $n failed`
		for _, grant := range []string{"out/", "out/ne*", "out/n*,out/"} {
			for _, way := range []string{"cp program", "cp -p program", "install -m 755 program", "cat program >out/new; chmod 755"} {
				flags := []string{"--quiet", "--allow-fs-read=" + dir, "--allow-fs-read=@system", "--allow-fs-write=" + dir + "/" + grant, "--allow-child-process", "--allow-addons"}
				r := sandboxed(t, u, dir, flags, "/bin/sh", "-c", fmt.Sprintf(loop, way))
				if r.status != 0 || r.out != "0 failed\n" {
					t.Errorf("%s, %s: status %d: %s%s", grant, way, r.status, r.out, r.err)
				}
			}
		}
	})
}

// TestForbiddenPrograms: what the ordinary permissions keep from being executed is no
// denial, so that under onerror exit nothing is killed for it.
func TestForbiddenPrograms(t *testing.T) {
	asEach(t, func(t *testing.T, u user, _ string) {
		for onError, unreadable := range map[string]int{"throw": 126, "exit": 77} {
			p := toolbox(t, u)
			p.onError = onError
			for name, mode := range map[string]os.FileMode{"closed": 0, "unreadable": 0o111} {
				write(t, u, p.dir+"/"+name, compiled(t, "good", "-static"), 0o755)
				must(t, os.Chmod(p.dir+"/"+name, mode))
			}
			write(t, u, p.dir+"/nobody", "#!/no/such/program\n", 0o755)
			write(t, u, p.dir+"/empty", "#!\necho plain\n", 0o755) // a shell runs it itself
			if r := p.run(t, "/bin/sh", "-c", "./closed; ./out; ./none; ./static/; ./nobody; ./empty | grep -q plain && exit 3"); r.status != 3 {
				t.Errorf("%s: status %d: %s%s", onError, r.status, r.out, r.err)
			}
			if r := p.run(t, "/bin/sh", "-c", "./unreadable"); r.status != unreadable || strings.Contains(r.out, "good") {
				t.Errorf("%s: unreadable: status %d: %s%s", onError, r.status, r.out, r.err)
			}
		}
	})
}
