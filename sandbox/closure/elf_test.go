package closure

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// A model is an ELF file for tests, with everything that the reader looks at.
type model struct {
	interp, soname, rpath, runpath string
	needed                         []string
	noDefault, goNote              bool
	machine                        uint16 // native if 0
}

// bytes writes the file: header, program headers, then one segment that maps the
// whole file at an address of its own.
func (m model) bytes() []byte {
	const base, headers = 0x400000, 64 + 4*56
	if m.machine == 0 {
		m.machine = native.elf
	}
	var body bytes.Buffer
	at := func() uint64 { return headers + uint64(body.Len()) }
	put := func(b []byte) (offset, size uint64) {
		offset = at()
		body.Write(b)
		return offset, uint64(len(b))
	}
	table := "\x00"
	text := func(s string) uint64 {
		offset := len(table)
		table += s + "\x00"
		return uint64(offset)
	}
	var dynamic []uint64
	for _, n := range m.needed {
		dynamic = append(dynamic, uint64(elf.DT_NEEDED), text(n))
	}
	for tag, s := range map[elf.DynTag]string{elf.DT_SONAME: m.soname, elf.DT_RPATH: m.rpath, elf.DT_RUNPATH: m.runpath} {
		if s != "" {
			dynamic = append(dynamic, uint64(tag), text(s))
		}
	}
	if m.noDefault {
		dynamic = append(dynamic, uint64(elf.DT_FLAGS_1), uint64(elf.DF_1_NODEFLIB))
	}
	strings, _ := put([]byte(table))
	dynamic = append(dynamic, uint64(elf.DT_STRTAB), base+strings, uint64(elf.DT_NULL), 0)
	var raw bytes.Buffer
	_ = binary.Write(&raw, binary.LittleEndian, dynamic)

	segments := make([]elf.Prog64, 4)
	add := func(i int, kind elf.ProgType, offset, size uint64) {
		segments[i] = elf.Prog64{Type: uint32(kind), Off: offset, Vaddr: base + offset, Filesz: size, Memsz: size}
	}
	offset, size := put(raw.Bytes())
	add(0, elf.PT_DYNAMIC, offset, size)
	if m.interp != "" {
		offset, size = put([]byte(m.interp + "\x00"))
		add(1, elf.PT_INTERP, offset, size)
	}
	if m.goNote {
		offset, size = put([]byte("\x04\x00\x00\x00\x01\x00\x00\x00\x07\x00\x00\x00ABC\x00x\x00\x00\x00" +
			"\x04\x00\x00\x00\x05\x00\x00\x00\x04\x00\x00\x00Go\x00\x00build\x00\x00\x00"))
		add(2, elf.PT_NOTE, offset, size)
	}
	add(3, elf.PT_LOAD, 0, at())

	h := elf.Header64{Type: uint16(elf.ET_DYN), Machine: m.machine, Version: 1, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 4}
	copy(h.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	var out bytes.Buffer
	_ = binary.Write(&out, binary.LittleEndian, h)
	_ = binary.Write(&out, binary.LittleEndian, segments)
	return append(out.Bytes(), body.Bytes()...)
}

func read(b []byte) (*object, error) {
	var w window
	return readObject(w.on(bytes.NewReader(b)), native)
}

func TestReadObject(t *testing.T) {
	long := strings.Repeat("/a/long/run/path:", 500) // longer than two windows
	for _, m := range []model{
		{},
		{interp: "/lib64/ld.so", needed: []string{"libc.so.6"}},
		{soname: "libx.so.1", needed: []string{"liba.so", "libb.so", ""}, rpath: "/a", runpath: "$ORIGIN/../lib"},
		{runpath: long, noDefault: true, goNote: true},
		{needed: []string{strings.Repeat("n", 5000), "after"}},
	} {
		got, err := read(m.bytes())
		want := &object{
			interp: m.interp, soname: m.soname, rpath: m.rpath, runpath: m.runpath,
			needed: m.needed, noDefault: m.noDefault, golang: m.goNote,
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("readObject(%.200s) = %.200s, %v", fmt.Sprintf("%+v", m), fmt.Sprintf("%+v", got), err)
		}
	}
}

func TestReadObjectRefuses(t *testing.T) {
	whole := model{interp: "/lib64/ld.so", needed: []string{"libc.so.6"}}.bytes()
	with := func(offset int, b ...byte) []byte {
		damaged := bytes.Clone(whole)
		copy(damaged[offset:], b)
		return damaged
	}
	for _, test := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "neither an ELF file"},
		{"text", []byte(strings.Repeat("echo hi\n", 20)), "neither an ELF file"},
		{"short header", whole[:60], "neither an ELF file"},
		{"32 bits", with(4, 1), "a 32-bit program"},
		{"big endian", with(5, 2), "another architecture"},
		{"foreign", model{machine: 243}.bytes(), "another architecture (RISC-V)"},
		{"object file", with(16, 1), "neither a program nor a library"},
		{"header size", with(54, 55), "program headers"},
		{"no headers", with(56, 0), "program headers"},
		{"too many headers", with(56, 0xff, 0xff), "program headers"},
		{"headers behind the end", with(32, 0xff, 0xff, 0xff), "too early"},
		{"headers at the end of the world", with(32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "too early"},
		{"nothing is mapped", with(64+3*56, 0), "dynamic section"},
		{"the dynamic section is not mapped", with(64+16, 0xff, 0xff, 0xff), "dynamic section"},
		{"the string table is not mapped", with(bytes.LastIndex(whole, []byte{byte(elf.DT_STRTAB), 0, 0, 0, 0, 0, 0, 0})+8, 0xff, 0xff, 0xff), "string table"},
		{"no zero after the interpreter", with(64+56+32, 5), "ELF interpreter"},
		{"huge dynamic section", with(64+32, 0, 0, 0, 1), "dynamic section"},
	} {
		if _, err := read(test.file); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

// TestReadObjectAgreesWithDebugELF reads programs of this system with two readers.
func TestReadObjectAgreesWithDebugELF(t *testing.T) {
	compared := 0
	for _, dir := range []string{"/usr/bin", "/usr/lib/" + native.name + "-linux-gnu", "/usr/lib64"} {
		list, _ := os.ReadDir(dir) // distributions differ; the count is checked
		for _, e := range list {
			f, err := elf.Open(dir + "/" + e.Name())
			if err != nil || f.Type == elf.ET_REL || uint16(f.Machine) != native.elf {
				continue
			}
			var w window
			file, err := open(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			got, err := readObject(w.on(file), native)
			needed, _ := f.ImportedLibraries()
			soname, _ := f.DynString(elf.DT_SONAME)
			if err != nil || strings.Join(got.needed, " ") != strings.Join(needed, " ") || got.soname != strings.Join(soname, "") {
				t.Errorf("%s: %+v, %v; debug/elf reads %q %q", e.Name(), got, err, needed, soname)
			}
			file.close()
			f.Close()
			compared++
		}
	}
	if compared < 50 {
		t.Errorf("compared %d files only", compared)
	}
}

// counting counts what a reader asks for.
type counting struct {
	*bytes.Reader
	bytes int
}

func (c *counting) ReadAt(b []byte, offset int64) (int, error) {
	n, err := c.Reader.ReadAt(b, offset)
	c.bytes += n
	return n, err
}

func FuzzReadObject(f *testing.F) {
	f.Add(model{interp: "/lib/ld.so", needed: []string{"liba.so", "libb.so"}, runpath: "$ORIGIN", goNote: true}.bytes())
	f.Add(model{soname: "x", rpath: "/r"}.bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &counting{Reader: bytes.NewReader(b)}
		var w window
		o, err := readObject(w.on(r), native)
		if (o == nil) != (err != nil) && err == nil {
			t.Errorf("readObject = %v, %v", o, err)
		}
		// Each of 4,096 dynamic entries can ask for a string of three windows.
		if limit := maxHeaders + maxDynamic + maxPath + 1200*maxNotes + 4096*2*maxString; r.bytes > limit {
			t.Errorf("read %d bytes of a file of %d", r.bytes, len(b))
		}
	})
}
