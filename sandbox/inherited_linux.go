package sandbox

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"sandrun/sandbox/supervisor"
)

// verifyInherited compares the listed files among the descriptors 0 to 2, which the
// target has without opening them, with what is pinned.
func (p *Plan) verifyInherited() error {
	for fd := range 3 {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
			continue
		}
		var b [unix.PathMax]byte
		n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), b[:])
		if err != nil {
			return fmt.Errorf("readlink of descriptor %d: %w", fd, err)
		}
		name := string(b[:n])
		if st.Nlink == 0 {
			name = strings.TrimSuffix(name, " (deleted)")
		}
		pin := p.facts.Pins.Of(name, name, supervisor.ID{Dev: uint64(st.Dev), Ino: st.Ino})
		if pin == nil {
			continue
		}
		if err := inheritCopy(fd, pin); err != nil {
			if err = p.mismatch(pin.Path, fmt.Errorf("descriptor %d: %w", fd, err)); err != nil {
				return err
			}
		}
	}
	return nil
}

// inheritCopy puts the verified bytes of a file in its place, at the same offset.
func inheritCopy(fd int, pin *supervisor.Pin) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err == nil && flags&unix.O_ACCMODE != unix.O_RDONLY {
		return errors.New("it is open for writing, and its content is pinned")
	}
	if err != nil {
		return fmt.Errorf("fcntl(F_GETFL): %w", err)
	}
	verified, err := pin.Copy(fd)
	if err != nil {
		return err
	}
	defer unix.Close(verified)
	offset, err := unix.Seek(fd, 0, unix.SEEK_CUR)
	if err == nil {
		_, err = unix.Seek(verified, offset, unix.SEEK_SET)
	}
	if err != nil {
		return fmt.Errorf("lseek: %w", err)
	}
	if err := unix.Dup3(verified, fd, 0); err != nil {
		return fmt.Errorf("dup3: %w", err)
	}
	return nil
}
