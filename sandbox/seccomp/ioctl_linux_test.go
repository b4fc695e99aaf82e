package seccomp_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
)

// Before Linux 6.10 Landlock has no right for ioctl on devices, and the list of
// requests is all that stands between a target and the devices that it may open.
// So each request on the list has its reason here, beside the table.

// deviceReasons say why a request does no harm on any device.
var deviceReasons = map[string][]uint64{
	// The kernel answers these before a device sees them; Landlock lets them pass too.
	"the kernel's own": {
		0x5421 /* FIONBIO */, 0x5450 /* FIONCLEX */, 0x5451 /* FIOCLEX */, 0x5460 /* FIOQSIZE */, 0x2, /* FIGETBSZ */
		unix.FICLONE, unix.FICLONERANGE, 0xc020660b, /* FS_IOC_FIEMAP */
	},
	"they read": {
		unix.TIOCINQ, unix.SIOCATMARK, unix.RNDGETENTCNT, unix.FS_IOC_GETFLAGS,
		0x80087601 /* FS_IOC_GETVERSION */, 0x801c581f, /* FS_IOC_FSGETXATTR */
	},
	// Beside terminals only the old sound timers (/dev/sequencer) know numbers among
	// them, and mean the pace of what is played.
	"only terminals know them": {
		unix.TCGETS, unix.TCSETS, unix.TCSETSW, unix.TCSETSF, unix.TCGETA, unix.TCSETA, unix.TCSETAW, unix.TCSETAF,
		unix.TCGETS2, unix.TCSETS2, unix.TCSETSW2, unix.TCSETSF2, unix.TCSBRK, unix.TCSBRKP, unix.TCXONC, unix.TCFLSH,
		unix.TIOCGPGRP, unix.TIOCSPGRP, unix.TIOCGSID, unix.TIOCNOTTY, unix.TIOCGWINSZ, unix.TIOCSWINSZ, unix.TIOCOUTQ,
		unix.TIOCGPTN, unix.TIOCSPTLCK,
	},
}

// deviceRequests are what devices are steered by, a few of each kind.
var deviceRequests = map[string]uint64{
	"BLKDISCARD": 0x1277, "BLKZEROOUT": 0x127f, "BLKSECDISCARD": 0x127d, "BLKRRPART": 0x125f, "BLKROSET": 0x125d, "BLKFLSBUF": 0x1261, "BLKPG": 0x1269,
	"SG_IO": 0x2285, "SCSI_IOCTL_SEND_COMMAND": 1, "HDIO_DRIVE_CMD": 0x31f, "NVME_IOCTL_ADMIN_CMD": 0xc0484e41, "CDROMEJECT": 0x5309,
	"LOOP_SET_FD": 0x4c00, "LOOP_CTL_ADD": 0x4c80, "DM_DEV_CREATE": 0xc138fd03, "MEMERASE": 0x40084d02,
	"FIFREEZE": 0xc0045877, "FITHAW": 0xc0045878, "FITRIM": 0xc0185879, "FIDEDUPERANGE": 0xc0189436, "FS_IOC_SHUTDOWN": 0x8004587d,
	"KVM_CREATE_VM": 0xae01, "VHOST_SET_OWNER": 0xaf01, "TUNSETIFF": 0x400454ca, "UFFDIO_API": 0xc018aa3f, "FUSE_DEV_IOC_CLONE": 0x8004e500,
	"UI_DEV_CREATE": 0x5501, "EVIOCGRAB": 0x40044590, "EVIOCSCLOCKID": 0x400445a0, "HIDIOCSFEATURE": 0xc0404806, "USBDEVFS_CONTROL": 0xc0185500, "USBDEVFS_RESET": 0x5514,
	"VT_ACTIVATE": 0x5606, "VT_DISALLOCATE": 0x5608, "KDSETMODE": 0x4b3a, "KDSKBENT": 0x4b47, "KDSKBMODE": 0x4b45, "KDSIGACCEPT": 0x4b4e, "PIO_FONT": 0x4b61,
	"TIOCSTI": 0x5412, "TIOCLINUX": 0x541c, "TIOCCONS": 0x541d, "TIOCSETD": 0x5423, "TIOCSCTTY": 0x540e, "TIOCEXCL": 0x540c, "TIOCSIG": 0x40045436,
	"TIOCVHANGUP": 0x5437, "TIOCGPTPEER": 0x5441, "TIOCPKT": 0x5420, "TIOCMSET": 0x5418, "TIOCSSERIAL": 0x541f, "TIOCSLCKTRMIOS": 0x5457,
	"RNDADDTOENTCNT": 0x40045201, "RNDADDENTROPY": 0x40085203, "RNDCLEARPOOL": 0x5206, "WDIOC_SETTIMEOUT": 0xc0045706, "RTC_SET_TIME": 0x4024700a,
	"DRM_IOCTL_SET_MASTER": 0x641e, "DRM_IOCTL_PRIME_HANDLE_TO_FD": 0xc00c642d, "FBIOPUT_VSCREENINFO": 0x4601, "SNDRV_CTL_IOCTL_ELEM_WRITE": 0xc4c85513,
	"TPM_CMD": 0xc008a201, "VFIO_GET_API_VERSION": 0x3b64, "IOC_WATCH_QUEUE_SET_SIZE": 0x5760, "FIOSETOWN": 0x8901, "SIOCSPGRP": 0x8902,
}

func TestIoctlListCoversDevices(t *testing.T) {
	row, ok := seccomp.Lookup(unix.SYS_IOCTL)
	if !ok || row.Action.Errno() != unix.ENOTTY {
		t.Fatal("ioctl is not refused by default")
	}
	known := map[uint64]string{}
	for why, requests := range deviceReasons {
		for _, r := range requests {
			known[r] = why
		}
	}
	passing := map[uint64]bool{}
	for _, c := range row.Cases() {
		if len(c.If) != 1 || c.If[0].Arg != 1 || c.If[0].Mask != 0xffffffff {
			t.Fatalf("a case looks at more than the request: %v", c.If)
		}
		if c.Then == seccomp.Pass {
			passing[c.If[0].Value] = true
		}
	}
	for r := range passing {
		if known[r] == "" {
			t.Errorf("request %#x passes and has no reason", r)
		}
	}
	for r, why := range known {
		if !passing[r] {
			t.Errorf("request %#x (%s) does not pass", r, why)
		}
	}
	for name, r := range deviceRequests {
		if a := row.Decide(&[6]uint64{0, r | high}); a != errno(unix.ENOTTY) && a != errno(unix.EPERM) {
			t.Errorf("%s comes to %#x", name, a)
		}
	}
}
