package record

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sandrun/policy"
)

// suggest is what a run with some denials suggests to a user.
func suggest(records ...Record) Suggestion {
	c := NewRecorder(func([]byte) error { return nil }, text)
	for _, r := range records {
		c.Add(r)
	}
	s := c.Close(time.Minute)
	return s.Suggest(Places{Home: "/home/me", Tmp: "/tmp", Passing: func(p string) bool { return IsMadeUp(path.Base(p)) }})
}

// files are n records of files in a directory.
func files(dir string, n int) (list []Record) {
	for i := range n {
		list = append(list, read(dir+"/f"+strconv.Itoa(i)))
	}
	return list
}

func TestSuggest(t *testing.T) {
	for _, c := range []struct {
		name    string
		records []Record
		flags   []string
		folded  []Folded
		wide    []string
		left    int
	}{
		{name: "nothing"},
		{
			name: "each permission once, in the order of the table",
			records: []Record{
				of(policy.Worker, "", "clone"), of(policy.FSWrite, "/b", "x"), read("/c"), read("/a"), read("/a"), of(policy.Net, "192.0.2.1:1", "connect"),
				of(policy.Net, "192.0.2.2:2", "connect"), of(policy.Inspector, "", "ptrace"), of(policy.Addon, "/x.so", "mmap"), of(policy.Child, "", "clone"),
			},
			flags: []string{
				"--allow-fs-read=/a,/c", "--allow-fs-write=/b", "--allow-child-process", "--allow-worker", "--allow-addons=/x.so", "--allow-net",
				"--allow-inspector",
			},
		},
		{
			name:    "a program list lets fork",
			records: []Record{of(policy.Child, "", "clone"), of(policy.Child, "/bin/ls", "execve"), of(policy.Child, "/bin/cat", "execve")},
			flags:   []string{"--allow-child-process=/bin/cat,/bin/ls"},
		},
		{
			name:    "code without a path needs all",
			records: []Record{of(policy.Addon, "", "mmap"), of(policy.Addon, "/x.so", "mmap")},
			flags:   []string{"--allow-addons"},
		},
		{
			name:    "a backslash at the end takes no comma",
			records: []Record{read(`/a\`), read("/b"), read(`/c\`), read("/d,e")},
			flags:   []string{`--allow-fs-read=/a\`, `--allow-fs-read=/b,/c\`, `--allow-fs-read=/d\,e`},
		},
		{
			name:    "below what is asked for",
			records: []Record{read("/etc"), read("/etc/x"), read("/etc/x/y"), read("/etcetera")},
			flags:   []string{"--allow-fs-read=/etc/,/etcetera"},
		},
		{
			name:    "below what a glob spells",
			records: []Record{read("/e*"), read("/e*/x")},
			flags:   []string{`--allow-fs-read=glob:/e\*,glob:/e\*/x`},
		},
		{
			name:    "what no flag grants",
			records: []Record{read("memfd:x"), with(read("/x"), func(r *Record) { r.Code = BadIntegrity })},
		},
		{
			name: "everything, and homes",
			records: []Record{
				read("/"), read("/home"), read("/home/me"), read("/home/you"), read("/root"), of(policy.FSWrite, "/home/me/", "mkdir"), read("/home/me/x"), read("/var"),
			},
			flags: []string{"--allow-fs-read=/home/me/x,/var"},
			wide: []string{
				"--allow-fs-read=/", "--allow-fs-read=/home", "--allow-fs-read=/home/me", "--allow-fs-read=/home/you", "--allow-fs-read=/root",
				"--allow-fs-write=/home/me/",
			},
		},
		{
			name:    "as many as are listed",
			records: files("/usr/lib", 16),
			flags:   []string{"--allow-fs-read=" + joined("/usr/lib/f", 16)},
		},
		{
			name:    "folded",
			records: append(files("/usr/lib", 17), read("/etc/x"), read("/usr/lib/f1/below")),
			flags:   []string{"--allow-fs-read=/etc/x,/usr/lib/"},
			folded:  []Folded{{"/usr/lib/", 18, false}},
		},
		{
			name:    "a directory that was to be made",
			records: []Record{of(policy.FSWrite, "/tmp/out", "mkdir"), of(policy.FSWrite, "/tmp/out/x", "openat"), of(policy.FSWrite, "/tmp/*", "mkdirat")},
			flags:   []string{`--allow-fs-write=glob:/tmp/\*,/tmp/out/`, "--no-create"},
			folded:  []Folded{{"/tmp/out/", 2, true}},
		},
		{
			name:    "names for one run",
			records: []Record{read("/tmp/cc1d2e3f.s"), read("/tmp/ccA1b2C3.o"), read("/srv/a/xR2d2C3"), read("/srv/a/y"), read("/tmp/named.txt")},
			flags:   []string{"--allow-fs-read=/srv/a/,/tmp/named.txt,@tmp"},
			folded:  []Folded{{"/srv/a/", 2, false}, {"@tmp", 2, false}},
		},
		{
			name:    "folded twice",
			records: slices.Concat(files("/u/v/a", 5), files("/u/v/b", 5), files("/u/v/c", 5), files("/u/v/d", 5), files("/u/w", 2)),
			flags:   []string{"--allow-fs-read=/u/v/a/,/u/v/b/,/u/v/c/,/u/v/d/,/u/w/f0,/u/w/f1"},
			folded:  []Folded{{"/u/v/a/", 5, false}, {"/u/v/b/", 5, false}, {"/u/v/c/", 5, false}, {"/u/v/d/", 5, false}},
		},
		{
			name:    "never into a home or a directory of /",
			records: slices.Concat(files("/home/me", 10), files("/etc", 10)),
			flags:   []string{"--allow-fs-read=" + joined("/etc/f", 10) + "," + joined("/home/me/f", 10)},
		},
		{
			name:    "too many",
			records: files("/etc", 40),
			flags:   []string{"--allow-fs-read=" + joined("/etc/f", 40)},
			left:    8,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := suggest(c.records...)
			if c.left > 0 {
				if n := strings.Count(got.Flags[0], ",") + 1; n != maxValues || got.Left != c.left || !strings.HasPrefix(c.flags[0], got.Flags[0]) {
					t.Errorf("%d values, %d left", n, got.Left)
				}
				return
			}
			if want := (Suggestion{Flags: c.flags, Folded: c.folded, Wide: c.wide}); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// joined lists paths as a flag does, sorted.
func joined(prefix string, n int) string {
	var list []string
	for i := range n {
		list = append(list, prefix+strconv.Itoa(i))
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

// TestSuggestCovers: whatever was denied is covered by the flags that are
// suggested, or counted; and what is covered beside it lies in a directory that
// is marked.
func TestSuggestCovers(t *testing.T) {
	var records []Record
	for i := range 300 {
		n := strconv.Itoa(i)
		records = append(records, read("/a/"+n[:1]+"/"+n), read("/b,"+n+`\`), read("/c/d/"+n+"/e/f"), read("/*"+n))
	}
	s := suggest(records...)
	var grants []policy.Grant
	c, _ := policy.Lookup(policy.FSRead)
	for _, f := range s.Flags {
		g, _, err := policy.ParseFlag(c, strings.TrimPrefix(f, "--allow-fs-read="), false, "/")
		if err != nil {
			t.Fatal(err)
		}
		grants = append(grants, g...)
	}
	if len(grants) > maxValues || s.Left == 0 || len(s.Folded) == 0 {
		t.Errorf("%d grants, %d left, folded %v", len(grants), s.Left, s.Folded)
	}
	wider := map[string]bool{}
	for _, f := range s.Folded {
		wider[strings.TrimSuffix(f.Dir, "/")] = true
	}
	uncovered := 0
	for _, r := range records {
		if !slices.ContainsFunc(grants, func(g policy.Grant) bool {
			p := g.Pattern.Path
			return p == r.Resource || p == policy.EscapeGlob(r.Resource) || wider[p] && strings.HasPrefix(r.Resource, p+"/")
		}) {
			uncovered++
		}
	}
	if uncovered != s.Left {
		t.Errorf("%d are not covered, %d are said to be left", uncovered, s.Left)
	}
}

// TestSuggestFlood: as much as a summary holds is suggested quickly.
func TestSuggestFlood(t *testing.T) {
	var records []Record
	for i := range 5000 {
		records = append(records, read(fmt.Sprintf("/x%d/y%d/z%d/%d", i%7, i%11, i%13, i)))
	}
	start := time.Now()
	s := suggest(records...)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if s.Left < 5000-maxWanted || len(s.Flags) != 1 || len(s.Flags[0]) > 2*maxLength {
		t.Errorf("%d left, %v", s.Left, s.Flags)
	}
}

// TestSuggestLong: a path as long as the kernel takes is counted where its
// spelling is too long, and takes no other's place.
func TestSuggestLong(t *testing.T) {
	long := "/" + strings.Repeat("a,", 2047)
	s := suggest(read(long), read("/z"))
	if want := []string{"--allow-fs-read=/z"}; !slices.Equal(s.Flags, want) || s.Left != 1 {
		t.Errorf("%v, %d left", s.Flags, s.Left)
	}
	r := read(long)
	if text := r.Text(); strings.Contains(text, "\n") || !strings.HasSuffix(text, `,'`) {
		t.Errorf("%q", text)
	}
}

func TestIsMadeUp(t *testing.T) {
	for name, want := range map[string]bool{
		"ccL4Qcig.s": true, "sedAbCdEf": true, "tmpk3x9_zq1": true, "sem.JFr0V8": true, "sh-thd.9XyZab": true,
		"out.txt": false, "Makefile": false, "README.md": false, "build-log": false, "a1.b2.c3": false, "index": false, "": false,
		"HelloWorld.class": false, "output1.txt": false, "report2024.csv": false, "LICENSE": false, "snake_case_name": false,
	} {
		if got := IsMadeUp(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
