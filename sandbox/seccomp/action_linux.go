package seccomp

import "golang.org/x/sys/unix"

// An Action is what the filter answers, written as the return value of the
// program. A slot that is still open is a label: SECCOMP_RET_TRACE, which no
// finished program returns, with the slot and the errno of Deny in its data.
type Action uint32

// The two actions that need no errno and no slot.
const (
	Pass Action = unix.SECCOMP_RET_ALLOW
	Kill Action = unix.SECCOMP_RET_KILL_PROCESS
)

// actionMask cuts the data off an action.
const actionMask = unix.SECCOMP_RET_ACTION_FULL

// Slot returns the slot that the action leaves open, if it is a label.
func (a Action) Slot() (s Slot, open bool) {
	return Slot(a >> 8), a&actionMask == unix.SECCOMP_RET_TRACE
}

// Errno returns the errno that the caller sees, for a label the one of Deny, or
// 0 when the call is never refused.
func (a Action) Errno() unix.Errno {
	switch a & actionMask {
	case unix.SECCOMP_RET_ERRNO:
		return unix.Errno(a & unix.SECCOMP_RET_DATA)
	case unix.SECCOMP_RET_TRACE:
		return unix.Errno(a & 0xff)
	}
	return 0
}

// Answer closes a label with the choice's verdict; other actions stay.
func (a Action) Answer(c *Choice) Action {
	s, open := a.Slot()
	if !open {
		return a
	}
	switch c[s] {
	case Allow:
		return Pass
	case Notify:
		return unix.SECCOMP_RET_USER_NOTIF
	}
	return refuse | Action(a.Errno())
}

// The actions of the table. They are constants, so that the table is data and
// costs nothing when the launcher starts.
const (
	refuse Action = unix.SECCOMP_RET_ERRNO
	ask    Action = unix.SECCOMP_RET_TRACE

	eperm           = refuse | Action(unix.EPERM)
	eacces          = refuse | Action(unix.EACCES)
	enosys          = refuse | Action(unix.ENOSYS)
	einval          = refuse | Action(unix.EINVAL)
	enotty          = refuse | Action(unix.ENOTTY)
	eprotonosupport = refuse | Action(unix.EPROTONOSUPPORT)

	askChild    = ask | Action(Child)<<8 | Action(unix.EPERM)
	askShared   = ask | Action(Shared)<<8 | Action(unix.EPERM)
	askThread   = ask | Action(Thread)<<8 | Action(unix.EPERM)
	askExec     = ask | Action(Exec)<<8 | Action(unix.EACCES)
	askExecAt   = ask | Action(ExecAt)<<8 | Action(unix.EACCES)
	askMapExec  = ask | Action(MapExec)<<8 | Action(unix.EACCES)
	askMetadata = ask | Action(Metadata)<<8 | Action(unix.EPERM)
	askOpenat2  = ask | Action(Openat2)<<8 | Action(unix.ENOSYS)
	askRead     = ask | Action(OpenRead)<<8 | Action(unix.EACCES)
	askWrite    = ask | Action(OpenWrite)<<8 | Action(unix.EACCES)
	askTruncate = ask | Action(Truncate)<<8 | Action(unix.EACCES)
	askChange   = ask | Action(Change)<<8 | Action(unix.EACCES)
	askSignal   = ask | Action(Signal)<<8 | Action(unix.EPERM)
	askBegin    = ask | Action(Begin)<<8 | Action(unix.EPERM)
	askStart    = ask | Action(Start)<<8 | Action(unix.EPERM)
	askNet      = ask | Action(Net)<<8 | Action(unix.EPERM)
	askUnix     = ask | Action(Unix)<<8 | Action(unix.EPERM)
	askConnect  = ask | Action(Net)<<8 | Action(unix.EACCES)
	askHide     = ask | Action(Hide)<<8 | Action(unix.EPERM)
	askInspect  = ask | Action(Inspect)<<8 | Action(unix.EPERM)
	// Libraries fall back to an unlinked file, as they do before Linux 3.17.
	askMemfd = ask | Action(Memfd)<<8 | Action(unix.ENOSYS)
	// EBUSY is what the kernel answers to a second listener in a tree.
	askListener = ask | Action(Listener)<<8 | Action(unix.EBUSY)
	// What a kernel without Yama answers.
	askTracer = ask | Action(Inspect)<<8 | Action(unix.EINVAL)
	// What a descriptor answers that is no socket, no event, or no notifier: an ioctl that
	// is refused so folds into all others that are.
	askSocket   = ask | Action(Net)<<8 | Action(unix.ENOTTY)
	askEvent    = ask | Action(Inspect)<<8 | Action(unix.ENOTTY)
	askNotifier = ask | Action(Listener)<<8 | Action(unix.ENOTTY)
)
