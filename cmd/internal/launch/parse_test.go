//go:build linux

package launch

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sandrun/policy"
)

// registered is a flag as the library of flags wants it.
type registered struct {
	Flag
	into *Settings
}

func (f *registered) Set(value string) error { return f.Flag.Set(f.into, value) }
func (f *registered) String() string         { return "" }
func (f *registered) Type() string           { return f.Arg }

// byLibrary reads a command line as package main does.
func byLibrary(s *Settings, args []string) (command []string, err error) {
	flags := pflag.NewFlagSet("sandrun", pflag.ContinueOnError)
	flags.SetInterspersed(false)
	for _, f := range Flags() {
		flag := flags.VarPF(&registered{f, s}, f.Name, "", f.Help)
		if f.Optional {
			flag.NoOptDefVal = Bare
		}
	}
	err = flags.Parse(args)
	return flags.Args(), err
}

// checkParse wants whatever is launched early to be what the library reads, and all
// that the library has no word about to be launched early.
func checkParse(t *testing.T, args []string) {
	t.Helper()
	fresh := func() *Settings { return &Settings{dir: "/w", grants: []policy.Grant{}, exitStatus: -1} } // none is none, with room or without
	ours, theirs := fresh(), fresh()
	command, ok := ours.parse(args)
	want, err := byLibrary(theirs, args)
	if ok != (err == nil) {
		t.Fatalf("%q is read early: %v, by the library: %v", args, ok, err)
	}
	if !ok {
		return
	}
	if len(command) != len(want) || len(want) > 0 && !reflect.DeepEqual(command, want) {
		t.Fatalf("%q: the command is %q, want %q", args, command, want)
	}
	if !reflect.DeepEqual(ours, theirs) {
		t.Fatalf("%q: %+v, want %+v", args, ours, theirs)
	}
}

var words = []string{
	"--", "-", "", "ls", "-l", "-x=1", "--allow-fs-read=/a", "--allow-fs-read", "/b", "--allow-fs-read=", "--allow-fs-write=/c/", "--allow-net",
	"--allow-net=1.2.3.4:5", "--allow-worker", "--allow-worker=true", "--allow-worker=false", "--allow-worker=x", "--allow-child-process=ls,cat",
	"--allow-env=A*", "--policy=p", "--policy", "--policy=", "--onerror=log", "--onerror", "throw", "--onerror=x", "--exit-status=3", "--exit-status=300",
	"--tolerate=tcp", "--tolerate=x", "--quiet", "--quiet=false", "--json", "--user=me", "--user", "--umask", "--explain=", "--no-such", "--no-such=x", "--=", "--=x",
	"---x", "--allow-fs-read=a,b\\,c", "--policy-integrity=x", "--log-format=json", "--log-file", "--inherit-fd=3", "-h", "-q", "--a=b=c", "--log-file=a=b", "--bare= ",
}

func TestParse(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		args := make([]string, r.IntN(6))
		for i := range args {
			args[i] = words[r.IntN(len(words))]
		}
		checkParse(t, args)
	}
}

func FuzzParse(f *testing.F) {
	for _, w := range words {
		f.Add(w + "\n--\nls")
		f.Add("--quiet\n" + w)
	}
	f.Fuzz(func(t *testing.T, lines string) {
		// No argument has a zero byte; the one of Bare could be told from it otherwise.
		if !strings.Contains(lines, "\x00") && !strings.Contains(lines, "help") {
			checkParse(t, strings.Split(lines, "\n"))
		}
	})
}

// TestWordsOfFlags: what a value is called says all that it can be.
func TestWordsOfFlags(t *testing.T) {
	for name, words := range map[string][]string{"onerror": policy.OnErrorNames, "log-format": logFormats} {
		if f, _ := find(name); f.Arg != strings.Join(words, "|") {
			t.Errorf("--%s takes %s, and is said to take %s", name, words, f.Arg)
		}
	}
}

// TestCompletionWords: the words by which the library of commands is asked for
// completions name no program.
func TestCompletionWords(t *testing.T) {
	for _, word := range []string{cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd} {
		if !MayNameCommand([]string{word}) {
			t.Errorf("%s would be launched", word)
		}
	}
}
