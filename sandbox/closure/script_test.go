package closure

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestParseScriptAgreesWithKernel lets the kernel run #! lines, with this test
// binary as the interpreter.
func TestParseScriptAgreesWithKernel(t *testing.T) {
	dir := tempDir(t)
	interp := dir + "/i"
	if err := os.Symlink(self(t), interp); err != nil {
		t.Fatal(err)
	}
	fill := func(n int) string { return strings.Repeat("x", n-len("#!"+interp+" ")) }
	for i, line := range []string{
		interp + "\n",
		interp,
		" \t" + interp + " \t \n",
		interp + " -a\n",
		interp + " -a b  c \n",
		interp + "\t-a\t\n#",
		interp + " -a\x00b\n",
		interp + "\r\n",
		interp + " " + fill(254) + "\n",
		interp + " " + fill(255) + "\n",
		interp + " " + fill(256) + "\n",
		interp + " " + fill(300) + "\n",
		interp + " " + fill(254),
		interp + " " + fill(255),
		strings.Repeat("/", 300) + interp + "\n",
		strings.Repeat("/", 254-len(interp)) + interp + "\n",
		strings.Repeat("/", 253-len(interp)) + interp + "\n",
		strings.Repeat("/", 252-len(interp)) + interp + "\n",
		"",
		"\n",
		"  \t \n",
		strings.Repeat(" ", 300) + interp,
		strings.Repeat(" ", 240) + interp + "\n",
	} {
		path := write(t, fmt.Sprintf("%s/s%d", dir, i), "#!"+line)
		cmd := exec.Command(path)
		cmd.Env = []string{"CLOSURE_TEST_PLAYS=arguments"}
		want, ran := cmd.Output()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, arg, err := ParseScript(data)
		if err == nil {
			_, err = os.Stat(name)
		}
		if (err == nil) != (ran == nil) {
			t.Errorf("line %d %q: error %v, the kernel says %v", i, line, err, ran)
		} else if got := fmt.Sprintf("%q", append(optional(arg), path)); err == nil && got != string(want) {
			t.Errorf("line %d %q: arguments %s, the kernel gives %s", i, line, got, want)
		}
	}
}

// TestChainDepth compares how many scripts may interpret each other.
func TestChainDepth(t *testing.T) {
	dir := tempDir(t)
	below := self(t)
	for n := 1; n <= maxScripts+2; n++ {
		below = write(t, fmt.Sprintf("%s/%d", dir, n), "#!"+below+"\n")
		cmd := exec.Command(below)
		cmd.Env = []string{"CLOSURE_TEST_PLAYS=arguments"}
		ran := cmd.Run()
		_, err := Find(Request{Command: []string{below}, Env: nothing, Dir: dir, Bare: true})
		if (err == nil) != (ran == nil) {
			t.Errorf("%d scripts: error %v, the kernel says %v", n, err, ran)
		}
	}
}

func FuzzParseScript(f *testing.F) {
	f.Add([]byte("#!/bin/sh -e\n"))
	f.Add([]byte("#! \t\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		if len(head) < 2 {
			return
		}
		interp, arg, err := ParseScript(head)
		if err != nil {
			return
		}
		if interp == "" || strings.ContainsAny(interp, " \t\n\x00") || strings.ContainsAny(arg, "\n\x00") {
			t.Errorf("ParseScript(%q) = %q, %q", head, interp, arg)
		}
	})
}
