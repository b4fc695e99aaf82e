package seccomp

import (
	"slices"

	"golang.org/x/sys/unix"
)

// Requests that x/sys does not have; from include/uapi/asm-generic/ioctls.h and
// include/uapi/linux/fs.h.
const (
	fionbio         = 0x5421
	fionclex        = 0x5450
	fioclex         = 0x5451
	fioasync        = 0x5452
	fioqsize        = 0x5460
	figetbsz        = 0x2
	fsGetVersion    = 0x80087601
	fsSetVersion    = 0x40087602
	fs32SetFlags    = 0x40046602
	fs32SetVersion  = 0x40047602
	fsGetXattr      = 0x801c581f
	fsSetXattr      = 0x401c5820
	fsFiemap        = 0xc020660b
	notifIDValidOld = 0x80082102 // the direction was wrong before Linux 5.8

	ioctlRequest = 1 // the argument that holds the request; the kernel reads 32 bits
)

// ioctlCases is the allow list. Not on it, and worth a word: FIDEDUPERANGE (shares
// blocks through read-only descriptors), FS_IOC_ENABLE_VERITY (freezes a file
// through one), SIOCGSKNS and TIOCGPTPEER (hand out descriptors), TIOCSCTTY,
// TIOCEXCL, TIOCSETD, TIOCCONS, TIOCSIG and TIOCVHANGUP (take a terminal from
// its user), FIOSETOWN and SIOCSPGRP (fcntl has them, under Landlock's eyes).
func ioctlCases() []Case {
	return slices.Concat(
		// They type into the terminal as its user would.
		anyOf(ioctlRequest, eperm, unix.TIOCSTI, unix.TIOCLINUX),
		anyOf(ioctlRequest, Pass, terminalRequests()...),
		anyOf(ioctlRequest, Pass, descriptorRequests()...),
		anyOf(ioctlRequest, askMetadata,
			unix.FS_IOC_SETFLAGS, fsSetVersion, fs32SetFlags, fs32SetVersion, fsSetXattr),
		anyOf(ioctlRequest, askSignal, fioasync), // O_ASYNC by another name
		anyOf(ioctlRequest, askSocket, interfaceRequests()...),
		anyOf(ioctlRequest, askEvent, perfRequests()...),
		anyOf(ioctlRequest, askNotifier, unix.SECCOMP_IOCTL_NOTIF_RECV, unix.SECCOMP_IOCTL_NOTIF_SEND,
			unix.SECCOMP_IOCTL_NOTIF_ID_VALID, notifIDValidOld, unix.SECCOMP_IOCTL_NOTIF_ADDFD,
			unix.SECCOMP_IOCTL_NOTIF_SET_FLAGS),
	)
}

// terminalRequests are what line editing, job control and window sizes need.
func terminalRequests() []uint64 {
	return []uint64{
		unix.TCGETS, unix.TCSETS, unix.TCSETSW, unix.TCSETSF,
		unix.TCGETA, unix.TCSETA, unix.TCSETAW, unix.TCSETAF,
		unix.TCGETS2, unix.TCSETS2, unix.TCSETSW2, unix.TCSETSF2,
		unix.TCSBRK, unix.TCSBRKP, unix.TCXONC, unix.TCFLSH,
		unix.TIOCGPGRP, unix.TIOCSPGRP, unix.TIOCGSID, unix.TIOCNOTTY,
		unix.TIOCGWINSZ, unix.TIOCSWINSZ, unix.TIOCOUTQ,
		unix.TIOCGPTN, unix.TIOCSPTLCK,
	}
}

// descriptorRequests steer the descriptor itself, read about its file, or copy
// into a file that is open for writing.
func descriptorRequests() []uint64 {
	return []uint64{
		unix.TIOCINQ /* FIONREAD */, fionbio, fioclex, fionclex, fioqsize, figetbsz,
		unix.FICLONE, unix.FICLONERANGE,
		unix.FS_IOC_GETFLAGS, fsGetVersion, fsGetXattr, fsFiemap,
		unix.SIOCATMARK, unix.RNDGETENTCNT,
	}
}

// interfaceRequests read the network interfaces.
func interfaceRequests() []uint64 {
	return []uint64{
		unix.SIOCGIFNAME, unix.SIOCGIFCONF, unix.SIOCGIFFLAGS, unix.SIOCGIFADDR, unix.SIOCGIFDSTADDR,
		unix.SIOCGIFBRDADDR, unix.SIOCGIFNETMASK, unix.SIOCGIFMETRIC, unix.SIOCGIFMTU,
		unix.SIOCGIFHWADDR, unix.SIOCGIFINDEX, unix.SIOCGIFTXQLEN, unix.SIOCGIFMAP,
	}
}

// perfRequests steer an event of perf_event_open; PERF_EVENT_IOC_SET_BPF does not
// belong to them.
func perfRequests() []uint64 {
	return []uint64{
		unix.PERF_EVENT_IOC_ENABLE, unix.PERF_EVENT_IOC_DISABLE, unix.PERF_EVENT_IOC_REFRESH,
		unix.PERF_EVENT_IOC_RESET, unix.PERF_EVENT_IOC_PERIOD, unix.PERF_EVENT_IOC_SET_OUTPUT,
		unix.PERF_EVENT_IOC_SET_FILTER, unix.PERF_EVENT_IOC_ID, unix.PERF_EVENT_IOC_PAUSE_OUTPUT,
	}
}
