package supervisor

import (
	"bytes"
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	pathMax = 4096 // PATH_MAX, the closing zero included
	page    = 4096 // reads never cross one at once: the next may be unmapped
)

// memory reads the memory of a caller. Its buffer is used again by every read.
type memory struct {
	buf [1 << 16]byte // XATTR_SIZE_MAX, the largest thing that is read
}

// read copies size bytes from an address of a thread's memory.
func (m *memory) read(tid uint32, addr uint64, size int) ([]byte, syscall.Errno) {
	if size == 0 {
		return m.buf[:0], 0
	}
	local := []unix.Iovec{{Base: &m.buf[0], Len: uint64(size)}}
	remote := []unix.RemoteIovec{{Base: uintptr(addr), Len: size}}
	n, err := unix.ProcessVMReadv(int(tid), local, remote, 0)
	if err != nil {
		return nil, memoryErrno(err)
	}
	if n != size {
		return nil, unix.EFAULT
	}
	return m.buf[:size], 0
}

// memoryErrno says what the caller gets when its memory cannot be read. A target
// that made itself non-dumpable is refused.
func memoryErrno(err error) syscall.Errno {
	if err == unix.EFAULT {
		return unix.EFAULT
	}
	return unix.EACCES
}

// text reads a string that ends in a zero within limit bytes, or answers
// tooLong. It reads page by page, as the kernel would fault.
func (m *memory) text(tid uint32, addr uint64, limit int, tooLong syscall.Errno) (string, syscall.Errno) {
	var text []byte
	for len(text) < limit {
		size := min(page-int(addr%page), limit-len(text))
		b, e := m.read(tid, addr, size)
		if e != 0 {
			return "", e
		}
		if end := bytes.IndexByte(b, 0); end >= 0 {
			return string(append(text, b[:end]...)), 0
		}
		text = append(text, b...)
		addr += uint64(size)
	}
	return "", tooLong
}

// longs reads n native 64-bit integers.
func (m *memory) longs(tid uint32, addr uint64, n int) ([]int64, syscall.Errno) {
	b, e := m.read(tid, addr, 8*n)
	if e != 0 {
		return nil, e
	}
	v := make([]int64, n)
	for i := range v {
		v[i] = int64(binary.NativeEndian.Uint64(b[8*i:]))
	}
	return v, 0
}
