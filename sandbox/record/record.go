// Package record describes denials: one Record each, as text or JSON, with the
// flag that would grant it; a Recorder that writes them without ever holding up
// who adds them, in bounded memory; and the summary of a run.
//
// A target chooses most of what a record holds: paths, names of executables,
// and how many records there are. So nothing of it reaches an output unquoted,
// and no number of them takes more than a fixed amount of memory or output.
package record

import (
	"path"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sandrun/policy"
)

// A Verdict is what became of a denied operation.
type Verdict uint8

// The verdicts, one for each reaction of a policy.
const (
	Denied Verdict = iota // it failed
	Logged                // it went ahead
	Killed                // the process tree was killed
)

var verdictNames = [...]string{"denied", "logged", "killed"}

// String is the verdict's word in records.
func (v Verdict) String() string { return verdictNames[v] }

// The codes of records, as Node.js names its errors.
const (
	AccessDenied = "ERR_ACCESS_DENIED"
	BadIntegrity = "ERR_MANIFEST_ASSERT_INTEGRITY"
)

// A Record is one denied operation.
type Record struct {
	Time     time.Time
	Verdict  Verdict
	Scope    policy.Scope // the permission that is missing
	Resource string       // an absolute path, or "" where there is none
	Entry    bool         // Resource is a directory's entry, a link or directory, and not what it leads to
	Call     string       // the system call
	Errno    syscall.Errno
	PID, TID int
	Exe      string // path of the process's executable
	Code     string // AccessDenied or BadIntegrity
	Detail   string // more words, such as the digests of a mismatch; "" for none
	Probe    bool   // what common programs try and do without: it is not written, and only its wish is kept
}

// permission is Node's name of what is missing.
func (r *Record) permission() string {
	c, _ := policy.Lookup(r.Scope)
	return c.Node
}

// errno is the name of the errno; "" where the operation did not fail.
func (r *Record) errno() string {
	if r.Errno == 0 {
		return ""
	}
	if name := unix.ErrnoName(r.Errno); name != "" {
		return name
	}
	return strconv.Itoa(int(r.Errno))
}

// Text is the record for people, in one line of printable characters:
//
//	denied FileSystemRead /etc/shadow (cat[4711] openat): --allow-fs-read=/etc/shadow
//
// What a shell would take apart is quoted as a shell reads it, so that the flag
// can be pasted as it is, and no path can pass for the rest of a line. A code
// other than AccessDenied and the detail stand before the flag.
func (r *Record) Text() string {
	b := make([]byte, 0, 256)
	b = append(b, r.Verdict.String()...)
	b = append(b, ' ')
	b = append(b, r.permission()...)
	if r.Resource != "" {
		b = append(b, ' ')
		b = append(b, Quote(r.Resource)...)
	}
	b = append(b, " ("...)
	b = append(b, r.program()...)
	b = append(b, '[')
	b = strconv.AppendInt(b, int64(r.PID), 10)
	b = append(b, "] "...)
	b = append(b, Quote(r.Call)...)
	b = append(b, ')')
	for _, part := range [...]string{r.oddCode(), printable(r.Detail), Quote(r.Flag())} {
		if part != "" {
			b = append(b, ": "...)
			b = append(b, part...)
		}
	}
	return string(b)
}

// program is the name of the executable; "?" where it is not known.
func (r *Record) program() string {
	if r.Exe == "" {
		return "?"
	}
	return Quote(path.Base(r.Exe))
}

// oddCode is the code where it is not that of most records.
func (r *Record) oddCode() string {
	if r.Code == AccessDenied {
		return ""
	}
	return printable(r.Code)
}
