package seccomp

import (
	"fmt"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

//go:generate go run -tags libseccomp ./gen/write

// Program returns the filter of this machine's architecture, ready for
// seccomp(2). A choice that notifies anywhere denies Listener, whatever it says:
// through a newer listener the target would answer our questions itself.
//
// The most frequent choices have programs of their own: there is nothing to be folded,
// and they are a sixth shorter, since a graph makes each return once.
func Program(c Choice) []unix.SockFilter {
	if slices.Contains(c[:], Notify) {
		c[Listener] = Deny
	}
	switch c {
	case Direct():
		return Decode(direct)
	case Supervised():
		return Decode(supervised)
	}
	return Fold(Decode(program), c)
}

// Bind puts a pid where a program has OwnPID, and a ticket where it has the mark of
// one. It makes nothing but stores, since a process binds its program between fork and
// exec.
//
//go:nosplit
//go:norace
func Bind(code []unix.SockFilter, pid uint32, ticket *Ticket) {
	for i := range code {
		if code[i].Code != unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K {
			continue
		}
		switch code[i].K { // in one pass: what is put in may look like a mark
		case OwnPID:
			code[i].K = pid
		case mark0 >> 32:
			code[i].K = uint32(ticket[0] >> 32)
		case mark0 & word:
			code[i].K = uint32(ticket[0])
		case mark1 >> 32:
			code[i].K = uint32(ticket[1] >> 32)
		case mark1 & word:
			code[i].K = uint32(ticket[1])
		}
	}
}

// NewTicket makes a ticket that nobody can guess. It asks the kernel itself: the state of
// the vDSO's generator, which unix.Getrandom would set up, takes thirty times as long.
func NewTicket() (t Ticket, err error) {
	n, _, e := unix.RawSyscall(unix.SYS_GETRANDOM, uintptr(unsafe.Pointer(&t)), unsafe.Sizeof(t), 0)
	if e != 0 || n != unsafe.Sizeof(t) {
		return t, fmt.Errorf("getrandom: %w", e)
	}
	return t, nil
}

// Decode reads instructions as the files in programs hold them: in the layout
// of struct sock_filter on a little-endian machine, which both architectures are.
func Decode(file string) []unix.SockFilter {
	code := make([]unix.SockFilter, len(file)/unix.SizeofSockFilter)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(code))), len(code)*unix.SizeofSockFilter), file)
	return code
}

const (
	opReturn = unix.BPF_RET | unix.BPF_K
	opGoto   = unix.BPF_JMP | unix.BPF_JA
)

// Fold closes the labels of a program and makes it as small as the choice
// allows: what leads to one return, whatever is compared, becomes that return,
// and what cannot be reached any more is dropped. So a call that the choice
// settles is decided by its number alone, and the kernel answers it from its
// cache without running the program. Fold works in place.
func Fold(code []unix.SockFilter, c Choice) []unix.SockFilter {
	for i := len(code) - 1; i >= 0; i-- {
		in := &code[i]
		if in.Code == opReturn {
			in.K = uint32(Action(in.K).Answer(&c))
			continue
		}
		t, f := targets(code, i)
		if code[t].Code == opReturn && code[t] == code[f] {
			*in = code[t]
		}
	}
	return sweep(code)
}

// targets returns where an instruction that is no return can continue.
func targets(code []unix.SockFilter, i int) (t, f int) {
	in := &code[i]
	switch {
	case in.Code == opGoto:
		t = i + 1 + int(in.K)
		return t, t
	case in.Code&7 == unix.BPF_JMP:
		return i + 1 + int(in.Jt), i + 1 + int(in.Jf)
	}
	return i + 1, i + 1
}

// sweep drops what cannot be reached. All jumps lead forward, so one pass finds
// it, and no jump gets longer.
func sweep(code []unix.SockFilter) []unix.SockFilter {
	place := make([]uint16, len(code)) // the new index plus one, 0 when not reached
	place[0] = 1
	n := uint16(0)
	for i := range code {
		if place[i] == 0 {
			continue
		}
		n++
		place[i] = n
		if code[i].Code != opReturn {
			t, f := targets(code, i)
			place[t], place[f] = 1, 1
		}
	}
	for i, p := range place {
		if p == 0 {
			continue
		}
		in := code[i]
		if in.Code != opReturn {
			t, f := targets(code, i)
			in = redirect(in, place[t]-p-1, place[f]-p-1)
		}
		code[p-1] = in
	}
	return code[:n]
}

// redirect gives a jump new distances; other instructions stay.
func redirect(in unix.SockFilter, t, f uint16) unix.SockFilter {
	switch {
	case in.Code == opGoto:
		in.K = uint32(t)
	case in.Code&7 == unix.BPF_JMP:
		in.Jt, in.Jf = uint8(t), uint8(f)
	}
	return in
}
