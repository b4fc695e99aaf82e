//go:build linux

package sandbox

import (
	"sandrun/policy"
	"sandrun/sandbox/seccomp"
)

// reported are the slots whose calls a supervisor refuses itself, because they are
// rare and it can say so.
var reported = [...]seccomp.Slot{
	seccomp.Child, seccomp.Shared, seccomp.Thread, seccomp.Exec, seccomp.ExecAt,
	seccomp.Memfd, seccomp.Net, seccomp.Inspect, seccomp.MapExec, seccomp.Metadata,
}

// serve has the calls trapped that the supervisor serves or reports. Opens are
// frequent, so only those are that this policy needs.
func serve(f *Facts, c *seccomp.Choice) {
	c[seccomp.Openat2] = seccomp.Notify
	for _, s := range reported {
		if c[s] == seccomp.Deny {
			c[s] = seccomp.Notify
		}
	}
	_, allReads := f.Policy.All(policy.FSRead)
	allWrites := c[seccomp.Metadata] == seccomp.Allow
	read := f.named(policy.FSRead) > 0 || f.watched() && !allReads || f.Pins != nil
	write := f.named(policy.FSWrite) > 0 || f.watched() && !allWrites
	if read {
		c[seccomp.OpenRead] = seccomp.Notify
	}
	if read || write {
		c[seccomp.OpenWrite], c[seccomp.Truncate] = seccomp.Notify, seccomp.Notify
	}
	// By a rename within what may be written, another file could get a name that is
	// granted for reading.
	if write || f.named(policy.FSRead) > 0 && f.Policy.Has(policy.FSWrite) {
		c[seccomp.Change] = seccomp.Notify
	}
	if f.watched() || f.Pins != nil {
		c[seccomp.Exec], c[seccomp.ExecAt] = seccomp.Notify, seccomp.Notify
	}
	if f.watched() { // what is to be told of must be readable
		c[seccomp.Hide] = seccomp.Deny
	}
	if f.Policy.OnError != policy.Log {
		return
	}
	c[seccomp.Start] = seccomp.Allow // no program is refused
	// A signal that comes before a trapped call was received ends it with EINTR, which
	// no program expects of a fork. New processes and threads are noticed otherwise.
	for _, s := range [...]seccomp.Slot{seccomp.Child, seccomp.Shared, seccomp.Thread} {
		c[s] = seccomp.Allow
	}
	c[seccomp.Begin] = seccomp.Notify
	// No grant of this version is for unix sockets. Otherwise they fail in silence, because
	// C libraries ask for names through one, and do without.
	c[seccomp.Unix] = seccomp.Notify
}

// named counts the areas of a scope that no kernel rule holds.
func (f *Facts) named(scope policy.Scope) (n int) {
	for i := range f.Grants {
		if f.Grants[i].Grant.Scope == scope {
			n += len(f.Grants[i].Names)
		}
	}
	return n
}

// watched tells whether denied opens are wanted to be known of, which costs every
// open a look.
func (f *Facts) watched() bool { return f.Options.Explain || f.Policy.OnError != policy.Throw }

// watchedBy names the reason of that.
func (f *Facts) watchedBy() string {
	if f.Policy.OnError != policy.Throw {
		return "onerror " + f.Policy.OnError.String()
	}
	return "--explain"
}
