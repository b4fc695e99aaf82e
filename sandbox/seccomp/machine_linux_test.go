package seccomp_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"sandrun/sandbox/seccomp"
)

// A call is what the kernel shows to a filter: struct seccomp_data.
type call struct {
	nr, arch uint32
	args     [6]uint64
}

// word returns the 32 bits at an offset, low half of an argument first.
func (c *call) word(offset uint32) uint32 {
	switch {
	case offset == 0:
		return c.nr
	case offset == 4:
		return c.arch
	case offset < 16:
		return 0x55555555 // the instruction pointer; no program may care
	}
	return uint32(c.args[(offset-16)/8] >> (offset % 8 * 8))
}

// run interprets a program as the kernel does. far is the highest offset that it
// loaded on the way.
func run(code []unix.SockFilter, c *call) (verdict seccomp.Action, far uint32) {
	var a uint32
	for i := 0; ; i++ {
		in := &code[i]
		taken := false
		switch in.Code {
		case unix.BPF_RET | unix.BPF_K:
			return seccomp.Action(in.K), far
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			a, far = c.word(in.K), max(far, in.K)
			continue
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			a &= in.K
			continue
		case unix.BPF_JMP | unix.BPF_JA:
			i += int(in.K)
			continue
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			taken = a == in.K
		case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
			taken = a > in.K
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			taken = a >= in.K
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			taken = a&in.K != 0
		default:
			panic("an instruction that no program here uses")
		}
		if taken {
			i += int(in.Jt)
		} else {
			i += int(in.Jf)
		}
	}
}

// TestRun holds the interpreter against the one of x/net on random programs.
func TestRun(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		code := randomProgram(r)
		raw := make([]bpf.RawInstruction, len(code))
		for i, in := range code {
			raw[i] = bpf.RawInstruction{Op: in.Code, Jt: in.Jt, Jf: in.Jf, K: in.K}
		}
		instructions, ok := bpf.Disassemble(raw)
		if !ok {
			t.Fatal("x/net cannot read the program")
		}
		vm, err := bpf.NewVM(instructions)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			c := randomCall(r)
			// x/net reads big-endian words, the kernel native ones.
			var packet []byte
			for offset := uint32(0); offset < 64; offset += 4 {
				packet = binary.BigEndian.AppendUint32(packet, c.word(offset))
			}
			want, err := vm.Run(packet)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := run(code, &c); uint32(got) != uint32(want) {
				t.Fatalf("run(%v, %v) = %#x, x/net says %#x", code, c, got, want)
			}
		}
	}
}

// randomCall draws from few values, so that comparisons hold now and then.
func randomCall(r *rand.Rand) call {
	c := call{nr: r.Uint32N(8), arch: r.Uint32N(3)}
	for i := range c.args {
		c.args[i] = r.Uint64N(8) | r.Uint64N(2)<<32
	}
	return c
}

// randomProgram returns a valid program of up to 24 instructions with labels
// among its returns.
func randomProgram(r *rand.Rand) []unix.SockFilter {
	returns := []uint32{
		unix.SECCOMP_RET_ALLOW, unix.SECCOMP_RET_ERRNO | 1, unix.SECCOMP_RET_KILL_PROCESS,
		unix.SECCOMP_RET_TRACE | uint32(seccomp.Exec)<<8 | 1, unix.SECCOMP_RET_TRACE | uint32(seccomp.Net)<<8 | 13,
	}
	jumps := []uint16{unix.BPF_JEQ, unix.BPF_JGT, unix.BPF_JGE, unix.BPF_JSET}
	code := make([]unix.SockFilter, 2+r.IntN(23))
	for i := range code {
		left := len(code) - 1 - i // instructions behind this one
		switch kind := r.IntN(10); {
		case left == 0 || kind == 0:
			code[i] = unix.SockFilter{Code: unix.BPF_RET, K: returns[r.IntN(len(returns))]}
		case kind < 3:
			code[i] = unix.SockFilter{Code: unix.BPF_LD | unix.BPF_ABS, K: 4 * r.Uint32N(16)}
		case kind == 3:
			code[i] = unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND, K: r.Uint32N(8)}
		case kind == 4:
			code[i] = unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA, K: r.Uint32N(uint32(left))}
		default:
			code[i] = unix.SockFilter{
				Code: unix.BPF_JMP | jumps[r.IntN(len(jumps))], K: r.Uint32N(8),
				Jt: uint8(r.IntN(left)), Jf: uint8(r.IntN(left)),
			}
		}
	}
	return code
}
