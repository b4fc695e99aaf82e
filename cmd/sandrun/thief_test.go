//go:build linux

package main

import (
	"os"
	"testing"
)

// TestNoRightIsGained goes through ways to read, by renames and links, what may only
// be written. A plain grant of a file is served by name, so that renames are judged.
func TestNoRightIsGained(t *testing.T) {
	asEach(t, func(t *testing.T, u user, dir string) {
		held := []string{"--quiet", "--allow-fs-write=" + dir, "--allow-fs-read=" + dir + "/read"}
		named := append(held[:3:3], "--allow-fs-read="+dir+"/name", "--allow-fs-read="+dir+"/name2")
		for way, want := range map[string]string{
			"deep":   "rename: EXDEV\nrenameat: EXDEV\nlinkat: EXDEV\nopen name: ok\nopen name2: ENOENT\nopenat: ENOENT\n",
			"closed": "renameat: EXDEV\nlinkat: EXDEV\nopen: ENOENT\n",
			"moved":  "rename: ok\nrename: ok\nopen: EACCES\nopenat2: EACCES\nlist: EACCES\nlinkat: EXDEV\nrenameat: EXDEV\n",
		} {
			for _, d := range []string{"read", "write"} {
				must(t, os.RemoveAll(dir+"/"+d))
				must(t, os.Mkdir(dir+"/"+d, 0o755))
				own(t, u, dir+"/"+d)
			}
			must(t, os.RemoveAll(dir+"/other"))
			write(t, u, dir+"/write/secret", "S", 0o644)
			write(t, u, dir+"/secret", "S", 0o644)
			write(t, u, dir+"/name", "N", 0o644)
			flags := named
			if way == "moved" {
				flags = held
			}
			if r := sandboxed(t, u, dir, flags, thief, way); r.out != want {
				t.Errorf("%s, status %d:\n%swant:\n%s%s", way, r.status, r.out, want, r.err)
			}
			if data, err := os.ReadFile(dir + "/name"); err != nil || string(data) != "N" {
				t.Errorf("%s: the readable name holds %q, %v", way, data, err)
			}
		}
	})
}
