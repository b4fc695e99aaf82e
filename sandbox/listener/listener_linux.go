// Package listener speaks the kernel's seccomp user notification interface: it
// receives notifications of trapped calls and answers them. It decides nothing.
//
// All calls are raw, so that a locked thread that receives, decides and answers
// is never handed over by the Go scheduler on the way (seccomp_unotify(2)).
package listener

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Listener is the descriptor that a filter with notifying rules returned.
type Listener int

// A Notification is one trapped call: struct seccomp_notif.
type Notification struct {
	ID    uint64
	PID   uint32 // a thread id, in the pid namespace of the listener's holder
	flags uint32
	Nr    int32
	Arch  uint32
	IP    uint64
	Args  [6]uint64
}

// answer is struct seccomp_notif_resp.
type answer struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

const (
	setFlags = 0x40082104 // SECCOMP_IOCTL_NOTIF_SET_FLAGS, Linux 6.7
	idValid  = 0x40082102 // SECCOMP_IOCTL_NOTIF_ID_VALID
)

// SyncWakeUp asks the kernel to run the waiting side on the caller's core, which
// makes an answer three times cheaper. Kernels before 6.7 do not know it.
func (l Listener) SyncWakeUp() {
	syscall.RawSyscall(unix.SYS_IOCTL, uintptr(l), setFlags, unix.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP)
}

// Receive waits for the next notification. ENOENT means that its caller was
// killed meanwhile, EINTR that a signal came: call again.
func (l Listener) Receive(n *Notification) syscall.Errno {
	*n = Notification{} // the kernel refuses a buffer that is not zero
	_, _, e := syscall.Syscall(unix.SYS_IOCTL, uintptr(l), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(n)))
	return e
}

// Continue lets the kernel execute the call as if it had not been trapped. It is
// an answer to give only where the kernel itself still refuses what must be
// refused: what the call's pointers point to can change after any check.
//
//go:nosplit
//go:norace
func (l Listener) Continue(id uint64) syscall.Errno {
	return l.send(&answer{id: id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE})
}

// Refuse makes the call fail with errno.
func (l Listener) Refuse(id uint64, errno syscall.Errno) syscall.Errno {
	return l.send(&answer{id: id, errno: -int32(errno)})
}

// Return makes the call return a value without executing it.
func (l Listener) Return(id uint64, value int64) syscall.Errno {
	return l.send(&answer{id: id, value: value})
}

//go:nosplit
//go:norace
func (l Listener) send(a *answer) syscall.Errno {
	_, _, e := syscall.RawSyscall(unix.SYS_IOCTL, uintptr(l), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(a)))
	return e
}

// Valid tells whether the caller still waits. Whatever was read from its memory
// or its /proc entries before means nothing unless Valid says yes after.
func (l Listener) Valid(id uint64) bool {
	_, _, e := syscall.RawSyscall(unix.SYS_IOCTL, uintptr(l), idValid, uintptr(unsafe.Pointer(&id)))
	return e == 0
}

// Waiting tells whether a notification waits to be received.
func (l Listener) Waiting() bool { return l.poll()&unix.POLLIN != 0 }

// HungUp tells whether nobody is left who could be notified of.
func (l Listener) HungUp() bool { return l.poll()&unix.POLLHUP != 0 }

func (l Listener) poll() int16 {
	fds := []unix.PollFd{{Fd: int32(l), Events: unix.POLLIN}}
	if _, err := unix.Poll(fds, 0); err != nil {
		return 0
	}
	return fds[0].Revents
}

// addFD is struct seccomp_notif_addfd.
type addFD struct {
	id                              uint64
	flags, source, target, newFlags uint32
}

const addFDRequest = 0x40182103 // SECCOMP_IOCTL_NOTIF_ADDFD

// Add puts a copy of one of our descriptors on the caller's lowest free number, which it
// returns (Linux 5.9). The call still waits for its answer.
//
// The kernel wakes the caller to take it, and waits for that. A signal would end that
// wait, so none comes meanwhile.
func (l Listener) Add(id uint64, fd int, closeOnExec bool) (int64, syscall.Errno) {
	a := addFD{id: id, source: uint32(fd)}
	if closeOnExec {
		a.newFlags = unix.O_CLOEXEC
	}
	// The mask is the thread's, on which the caller must not move.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all, old := ^uint64(0), uint64(0)
	mask(&all, &old)
	number, _, e := syscall.RawSyscall(unix.SYS_IOCTL, uintptr(l), addFDRequest, uintptr(unsafe.Pointer(&a)))
	mask(&old, nil)
	return int64(number), e
}

// mask sets the signals that this thread blocks.
func mask(set, old *uint64) {
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
}
