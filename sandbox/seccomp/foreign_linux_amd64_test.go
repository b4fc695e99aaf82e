package seccomp_test

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestForeignArchitecture runs a program that makes a call of i386 by int 0x80,
// where the kernel has that: without the filter it ends with 42, under it the
// kernel kills it.
func TestForeignArchitecture(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "program")
	if err := os.WriteFile(name, int80Program(), 0o755); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	err := exec.Command(name).Run()
	if !errors.As(err, &exit) {
		t.Fatalf("without the filter: %v", err)
	}
	if status := exit.Sys().(syscall.WaitStatus); status.ExitStatus() != 42 && status.Signal() != unix.SIGSEGV {
		t.Fatalf("without the filter: %v", err) // SIGSEGV: no 32-bit emulation
	}
	out, err := playRole(t, "exec", dir)
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGSYS {
		t.Fatalf("under the filter: %v\n%s", err, out)
	}
}

// int80Program returns a static executable: getpid by int 0x80, then exit(42).
func int80Program() []byte {
	const base, header = 0x400000, 64 + 56
	text := []byte{
		0xb8, 20, 0, 0, 0, // mov $20, %eax: getpid of i386
		0xcd, 0x80, // int $0x80
		0xbf, 42, 0, 0, 0, // mov $42, %edi
		0xb8, 60, 0, 0, 0, // mov $60, %eax: exit
		0x0f, 0x05, // syscall
	}
	b := make([]byte, header, header+len(text))
	copy(b, "\x7fELF\x02\x01\x01")
	put16 := func(at int, v uint16) { binary.LittleEndian.PutUint16(b[at:], v) }
	put64 := func(at int, v uint64) { binary.LittleEndian.PutUint64(b[at:], v) }
	put16(16, 2)               // ET_EXEC
	put16(18, 62)              // EM_X86_64
	put16(20, 1)               // version
	put64(24, base+header)     // entry
	put64(32, 64)              // program headers
	put16(52, 64)              // size of this header
	put16(54, 56)              // size of a program header
	put16(56, 1)               // one of them
	put64(64, 1|uint64(5)<<32) // PT_LOAD, read and execute
	put64(64+16, base)
	put64(64+24, base)
	put64(64+32, uint64(header+len(text)))
	put64(64+40, uint64(header+len(text)))
	put64(64+48, 4096)
	return append(b, text...)
}
