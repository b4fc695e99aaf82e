package supervisor

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"sandrun/integrity"
)

// check reads a file from its beginning. It copies what it reads into a sealed
// memfd if that is wanted, else the descriptor is -1.
func check(fd int, pin *Pin, wantCopy bool) (made int, err error) {
	hashers := make([]*integrity.Hasher, len(pin.Sets))
	for i, set := range pin.Sets {
		if hashers[i], err = set.Hasher(); err != nil {
			return -1, err
		}
	}
	into := -1
	if wantCopy {
		if into, err = newCopy(pin); err != nil {
			return -1, err
		}
	}
	err = pump(fd, into, hashers)
	for i, set := range pin.Sets {
		if err == nil {
			err = set.Assert(pin.Path, hashers[i].Digest())
		}
	}
	if err != nil {
		closeCopy(into)
		return -1, err
	}
	return into, nil
}

// newCopy makes an empty copy. It cannot be executed: no kernel rule holds for a
// memfd, so that a program list would not hold for it. Before Linux 6.3 it can, and
// judgeImage sees to that.
func newCopy(pin *Pin) (int, error) {
	name := "sandrun:" + pin.Path[max(0, len(pin.Path)-200):]
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return -1, fmt.Errorf("memfd_create: %w", err)
	}
	return fd, nil
}

// pump reads a file piece by piece, and no more of it than it had at the beginning.
func pump(fd, into int, hashers []*integrity.Hasher) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("fstat: %w", err)
	}
	buf := make([]byte, 64<<10)
	for offset := int64(0); ; {
		n, err := unix.Pread(fd, buf, offset)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("read: %w", err)
		case n == 0:
			return seal(into)
		case offset+int64(n) > st.Size:
			return errors.New("it grows while it is read")
		}
		for _, h := range hashers {
			h.Write(buf[:n])
		}
		if err := writeAll(into, buf[:n]); err != nil {
			return err
		}
		offset += int64(n)
	}
}

func writeAll(fd int, b []byte) error {
	for fd >= 0 && len(b) > 0 {
		n, err := unix.Write(fd, b)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("write: %w", err)
		}
		b = b[max(n, 0):]
	}
	return nil
}

// seal lets nobody change a copy any more.
func seal(fd int) error {
	if fd < 0 {
		return nil
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return fmt.Errorf("fcntl(F_ADD_SEALS): %w", err)
	}
	return nil
}
