//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// A planted thing is one entry of the tree that each row finds.
type planted struct {
	name, content string // a name that ends in / is a directory
	mode          uint32
	foreign       bool // owned by uid and gid 1
}

var plants = []planted{
	{"f", "hello\n", 0o644, false},
	{"ro", "ro", 0o444, false},
	{"wo", "wo", 0o200, false},
	{"none", "none", 0, false},
	{"empty", "", 0o644, false},
	{"x", "#!/bin/true\n", 0o755, false},
	{"d/", "", 0o755, false},
	{"d/f", "df\n", 0o644, false},
	{"d/e/", "", 0o755, false},
	{"d/e/g", "g\n", 0o644, false},
	{"nd/", "", 0o755, false},
	{"closed/", "", 0o755, false},
	{"closed/f", "closed\n", 0o644, false},
	{"theirs", "theirs\n", 0o644, true},
	{"shared", "shared\n", 0o666, true},
	{"theirsd/", "", 0o755, true},
	{"theirsd/f", "f\n", 0o666, true},
	{"sticky/", "", 0o1777, true},
	{"sticky/mine", "mine\n", 0o644, false},
	{"sticky/theirs", "theirs\n", 0o666, true},
	{"sgid/", "", 0o2777, true},
	{"f -> lf", "", 0, false},
	{"d -> ld", "", 0, false},
	{"%D/f -> labs", "", 0, false},
	{"%D/d -> labsd", "", 0, false},
	{"d/../f -> lup", "", 0, false},
	{"d/ -> lslash", "", 0, false},
	{"f/ -> lfslash", "", 0, false},
	{"new -> dang", "", 0, false},
	{"%D/new -> dangabs", "", 0, false},
	{"nowhere/new -> dangdeep", "", 0, false},
	{"loop -> loop", "", 0, false},
	{"lb -> la", "", 0, false},
	{"la -> lb", "", 0, false},
	{"%O/secret -> lout", "", 0, false},
	{"%O/d -> loutd", "", 0, false},
	{"%O/new -> loutnew", "", 0, false},
	{"../../../out/secret -> loutrel", "", 0, false},
	{"/dev/null -> devnull", "", 0, false},
	{"/dev/zero -> devzero", "", 0, false},
}

// plant makes one tree for each row.
func (w *yard) plant(t *testing.T, rows []row) {
	t.Helper()
	for _, dir := range []string{w.base, w.dir} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		own(t, w.u, dir)
	}
	for i, r := range rows {
		dir := fmt.Sprintf("%s/w%03d", w.dir, i)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		own(t, w.u, dir)
		for _, p := range plants {
			if p.wanted(r) {
				w.plantOne(t, dir, p)
			}
		}
		w.plantOdd(t, dir)
		if strings.Contains(r.calls, "chain") {
			for n := range 42 {
				target := "f"
				if n > 0 {
					target = fmt.Sprintf("chain%02d", n)
				}
				must(t, os.Symlink(target, fmt.Sprintf("%s/chain%02d", dir, n+1)))
			}
		}
		if strings.Contains(r.calls, "closed") {
			must(t, os.Chmod(dir+"/closed", 0))
		}
	}
}

// wanted says whether a row may touch a planted thing: most of them are made only
// where a row names them, because making them takes longer than the rows.
func (p planted) wanted(r row) bool {
	name := p.name
	if _, link, ok := strings.Cut(name, " -> "); ok {
		name = link
	}
	first, _, _ := strings.Cut(name, "/")
	return strings.Contains(r.calls, first) || first == "lb" || first == "d"
}

func (w *yard) plantOne(t *testing.T, dir string, p planted) {
	t.Helper()
	path := dir + "/" + p.name
	if target, name, ok := strings.Cut(p.name, " -> "); ok {
		path = dir + "/" + name
		must(t, os.Symlink(strings.NewReplacer("%D", dir, "%O", w.out).Replace(target), path))
	} else if strings.HasSuffix(path, "/") {
		must(t, os.Mkdir(path, 0o700))
	} else {
		write(t, user{}, path, p.content, 0o600)
	}
	if p.foreign && os.Geteuid() == 0 {
		must(t, os.Lchown(path, 1, 1))
	} else {
		own(t, w.u, path)
	}
	if p.mode != 0 || !strings.Contains(p.name, " -> ") {
		must(t, syscall.Chmod(path, p.mode)) // os.Chmod has another idea of the sticky bit
	}
}

// plantOdd makes what is neither file, directory nor symbolic link, and two names
// of one file.
func (w *yard) plantOdd(t *testing.T, dir string) {
	t.Helper()
	must(t, syscall.Mkfifo(dir+"/fifo", 0o644))
	must(t, syscall.Mknod(dir+"/sock", syscall.S_IFSOCK|0o644, 0))
	write(t, w.u, dir+"/h1", "two names\n", 0o644)
	must(t, os.Link(dir+"/h1", dir+"/h2"))
	own(t, w.u, dir+"/fifo", dir+"/sock")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
