package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"sandrun/policy"
	"sandrun/sandbox/closure"
	"sandrun/sandbox/record"
	"sandrun/sandbox/supervisor"
)

// Options are the settings of a run that are not permissions.
type Options struct {
	Bare     bool     // only the ELF closure
	DenyJIT  bool     // no memory that was writable becomes executable
	NoCreate bool     // do not make directories of write grants
	Tolerate []string // gaps that are accepted by name
	Explain  bool     // look at every open, to report what is denied
	// Record is told of every denial; it must not hold up who calls it, on any
	// thread. Nil where nobody listens.
	Record func(record.Record)
}

// A Request is what the user asks for.
type Request struct {
	Policy  policy.Policy
	Command []string // empty: a question about the grants alone
	Env     []string // the caller's environment as os.Environ gives it, no name twice: the first counts
	Dir     string   // the working directory
	Options Options
}

// A Program is an entry of a program list, found.
type Program struct {
	Grant   policy.Grant
	Closure *closure.Closure
}

// Facts is everything that a plan is made from, read once. It is plain data;
// tests write it by hand.
type Facts struct {
	Request
	Kernel   Kernel
	UID      int
	Grants   []Resolved // fs.read, fs.write, addon, and what other grants imply of them
	Programs []Program
	Closure  *closure.Closure // nil without a command
	Stdio    [3]Stdio
	Pins     *supervisor.Pins // nil where no content is pinned
	Mounts   Mounts           // empty where no file is granted
	env      *environment     // what of the environment is passed on, once that is known
}

// Stdio is what is known of one of descriptors 0 to 2.
type Stdio struct {
	Socket    bool // a socket that is not a connected stream
	Inet      bool // it is one of IPv4 or IPv6
	Anonymous bool // a file that belongs to no mount, as memfd_create makes
}

// Gather reads the facts of a request. With create it makes the directories that
// write grants with a trailing slash ask for.
func Gather(r Request, create bool) (*Facts, error) {
	f := &Facts{Request: r, Kernel: Probe(), UID: os.Geteuid()}
	if create && !r.Options.NoCreate {
		if err := makeDirectories(r.Policy); err != nil {
			return nil, err
		}
	}
	env := lookup(f.environment().kept)
	res := &resolver{env: env, dir: r.Dir}
	if !create && !r.Options.NoCreate {
		res.made = wouldMake(r.Policy)
	}
	if err := f.resolveGrants(res); err != nil {
		return nil, err
	}
	f.Mounts = res.mounts
	if err := f.findPrograms(env); err != nil {
		return nil, err
	}
	var err error
	if f.Pins, err = pins(r.Policy); err != nil || len(r.Command) == 0 {
		return f, err
	}
	f.Closure, err = closure.Find(closure.Request{
		Command: r.Command, Env: env, Dir: r.Dir, Bare: r.Options.Bare, Pin: create,
	})
	for fd := range f.Stdio {
		f.Stdio[fd] = readStdio(fd)
	}
	return f, err
}

// lookup makes a function that finds a variable in an environment.
func lookup(env []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, entry := range env {
			if n, value, ok := strings.Cut(entry, "="); ok && n == name {
				return value, true
			}
		}
		return "", false
	}
}

// implied lists the named sets that a grant of another scope lets be read.
func implied(s policy.Scope) []string {
	switch s {
	case policy.Child:
		return []string{"system"}
	case policy.Net:
		return []string{"dns", "certs"}
	}
	return nil
}

// resolveGrants resolves the file grants and those that others imply.
func (f *Facts) resolveGrants(res *resolver) error {
	f.Grants = make([]Resolved, 0, len(f.Policy.Grants))
	for _, g := range f.Policy.Grants {
		switch g.Scope {
		case policy.FSRead, policy.FSWrite, policy.Addon:
			if g.Scope == policy.Addon && g.Pattern.Kind == policy.Everything {
				continue
			}
			if err := f.add(res, g); err != nil {
				return err
			}
		default:
			if !g.All {
				continue
			}
			for _, set := range implied(g.Scope) {
				read := policy.Grant{
					Scope: policy.FSRead, Value: "@" + set, Source: g.Source,
					Pattern: policy.Pattern{Kind: policy.Set, Path: set},
				}
				if err := f.add(res, read); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (f *Facts) add(res *resolver, g policy.Grant) error {
	if res.mounts == nil { // most runs have no file grant at all
		var err error
		if res.mounts, err = readMounts(); err != nil {
			return err
		}
	}
	resolved, err := res.resolve(g)
	if err != nil {
		return err
	}
	f.Grants = append(f.Grants, resolved)
	return nil
}

// findPrograms finds the programs of a list and their closures.
func (f *Facts) findPrograms(env func(string) (string, bool)) error {
	for _, g := range f.Policy.Of(policy.Child) {
		if g.All {
			continue
		}
		c, err := closure.Find(closure.Request{
			Command: []string{g.Program}, Env: env, Dir: f.Dir, Bare: f.Options.Bare,
		})
		if err != nil {
			// Not wrapped: it is not the command that is missing.
			return fmt.Errorf("%s %q: %v", g.Source, g.Value, err)
		}
		f.Programs = append(f.Programs, Program{g, c})
	}
	return nil
}

// listed tells whether a list is all that may be executed: beside the flag without
// one it only grants what its programs need.
func (f *Facts) listed() bool {
	_, all := f.Policy.All(policy.Child)
	return len(f.Programs) > 0 && !all
}

// closures are those of the program and of the programs of a list.
func (f *Facts) closures() []*closure.Closure {
	list := make([]*closure.Closure, 0, 1+len(f.Programs))
	if f.Closure != nil {
		list = append(list, f.Closure)
	}
	for _, p := range f.Programs {
		list = append(list, p.Closure)
	}
	return list
}

// wouldMake lists the directories that makeDirectories would make.
func wouldMake(p policy.Policy) map[string]bool {
	made := map[string]bool{}
	for _, g := range p.Of(policy.FSWrite) {
		if g.Pattern.Kind != policy.Path || !g.Pattern.Dir {
			continue
		}
		if _, err := os.Lstat(g.Pattern.Path); err == nil {
			continue
		}
		at, err := find(g.Pattern.Path)
		if err != nil || at.exists {
			continue
		}
		parent := path.Dir(at.path)
		if _, dir, err := realPath(parent); made[parent] || err == nil && dir {
			made[at.path] = true
		}
	}
	return made
}

// makeDirectories makes the directories that write grants with a trailing slash
// name, where their parents exist. The mode is that of mkdir(1).
func makeDirectories(p policy.Policy) error {
	for _, g := range p.Of(policy.FSWrite) {
		if g.Pattern.Kind != policy.Path || !g.Pattern.Dir {
			continue
		}
		err := os.Mkdir(g.Pattern.Path, 0o777)
		if err == nil || errors.Is(err, os.ErrExist) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		return fmt.Errorf("%s %q: %w (--no-create leaves it to the program)", g.Source, path.Clean(g.Value), err)
	}
	return nil
}

// readStdio looks at a descriptor that the target will inherit.
func readStdio(fd int) Stdio {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return Stdio{}
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFSOCK:
		return Stdio{Socket: !isStream(fd), Inet: isInet(fd)}
	case unix.S_IFREG:
		return Stdio{Anonymous: st.Nlink == 0 && st.Mode&0o111 != 0}
	}
	return Stdio{}
}

// isInet tells whether a socket is one of the families that net grants.
func isInet(fd int) bool {
	family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	return err == nil && (family == unix.AF_INET || family == unix.AF_INET6)
}

// isStream tells whether a socket is a connected stream, which can reach nobody
// but its peer.
func isStream(fd int) bool {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_STREAM && kind != unix.SOCK_SEQPACKET {
		return false
	}
	_, err = unix.Getpeername(fd)
	return err == nil
}
