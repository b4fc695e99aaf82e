package closure

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Limits of what is read of one ELF file. The kernel refuses program headers
// above 64 KiB (load_elf_phdrs); the others are far above what linkers write.
const (
	maxHeaders = 64 << 10
	maxDynamic = 64 << 10
	maxString  = 16 << 10
	maxNotes   = 64 << 10
	maxPath    = 4096 // PATH_MAX, with the zero byte
)

// An object is what the dynamic loader reads of an ELF file.
type object struct {
	interp    string // the ELF interpreter, "" if there is none
	soname    string
	needed    []string
	rpath     string
	runpath   string
	noDefault bool // DF_1_NODEFLIB: neither ld.so.cache nor default directories
	golang    bool // linked by the Go linker
}

// A formatError says why a file cannot be run or loaded here.
type formatError string

func (e formatError) Error() string { return string(e) }

const (
	errNotELF    = formatError("neither an ELF file nor a #! script")
	errTruncated = formatError("the ELF file is damaged: it ends too early")
)

// readObject reads an ELF file by its program headers. Section headers, which may
// be stripped, are not looked at.
func readObject(w *window, m *machine) (*object, error) {
	segments, err := readSegments(w, m)
	if err != nil {
		return nil, err
	}
	o := &object{}
	var dynamic *elf.Prog64
	for i := range segments {
		p := &segments[i]
		switch elf.ProgType(p.Type) {
		case elf.PT_INTERP:
			if o.interp, err = readInterp(w, p); err != nil {
				return nil, err
			}
		case elf.PT_DYNAMIC:
			dynamic = p
		case elf.PT_NOTE:
			o.golang = o.golang || hasGoNote(w, p)
		}
	}
	if dynamic == nil {
		return o, nil
	}
	return o, o.readDynamic(w, segments, dynamic)
}

// readSegments reads the ELF header and the program headers.
func readSegments(w *window, m *machine) ([]elf.Prog64, error) {
	const size = 64 // of the header of a 64-bit ELF file
	h, err := w.at(0, size)
	if err != nil || string(h[:4]) != elf.ELFMAG {
		return nil, errNotELF
	}
	le := binary.LittleEndian
	kind, arch := elf.Type(le.Uint16(h[16:])), elf.Machine(le.Uint16(h[18:]))
	switch {
	case elf.Class(h[elf.EI_CLASS]) == elf.ELFCLASS32:
		return nil, formatError("a 32-bit program, whose system calls sandrun does not judge")
	case elf.Class(h[elf.EI_CLASS]) != elf.ELFCLASS64 || elf.Data(h[elf.EI_DATA]) != elf.ELFDATA2LSB || arch != m.elf:
		return nil, formatError(fmt.Sprintf("built for another architecture (%v) than this %s", arch, m.name))
	case kind != elf.ET_EXEC && kind != elf.ET_DYN:
		return nil, formatError("an ELF file that is neither a program nor a library")
	}
	const each = 56 // of a program header
	offset, n := le.Uint64(h[32:]), int(le.Uint16(h[56:]))
	if le.Uint16(h[54:]) != each || n == 0 || n*each > maxHeaders {
		return nil, formatError("the ELF file is damaged: program headers")
	}
	raw, err := w.at(offset, n*each)
	if err != nil {
		return nil, err
	}
	segments := make([]elf.Prog64, n)
	for i := range segments {
		b := raw[i*each:]
		segments[i] = elf.Prog64{
			Type: le.Uint32(b), Off: le.Uint64(b[8:]), Vaddr: le.Uint64(b[16:]), Filesz: le.Uint64(b[32:]),
		}
	}
	return segments, nil
}

func readInterp(w *window, p *elf.Prog64) (string, error) {
	if p.Filesz < 2 || p.Filesz > maxPath {
		return "", formatError("the ELF file is damaged: ELF interpreter")
	}
	b, err := w.at(p.Off, int(p.Filesz))
	if err != nil {
		return "", err
	}
	name, _, ended := bytes.Cut(b, []byte{0})
	if !ended || len(name) == 0 {
		return "", formatError("the ELF file is damaged: ELF interpreter")
	}
	return string(name), nil
}

// readDynamic reads the dynamic section and the strings that it points to.
func (o *object) readDynamic(w *window, segments []elf.Prog64, p *elf.Prog64) error {
	if p.Filesz > maxDynamic {
		return formatError("the ELF file is damaged: dynamic section")
	}
	raw, err := w.at(p.Off, int(p.Filesz))
	if err != nil {
		return err
	}
	var table uint64
	var needed []uint64
	single := map[elf.DynTag]*string{elf.DT_SONAME: &o.soname, elf.DT_RPATH: &o.rpath, elf.DT_RUNPATH: &o.runpath}
	offsets := map[elf.DynTag]uint64{}
	for ; len(raw) >= 16; raw = raw[16:] {
		tag, value := elf.DynTag(binary.LittleEndian.Uint64(raw)), binary.LittleEndian.Uint64(raw[8:])
		switch tag {
		case elf.DT_NULL:
			raw = nil
		case elf.DT_STRTAB:
			table = value
		case elf.DT_NEEDED:
			needed = append(needed, value)
		case elf.DT_FLAGS_1:
			o.noDefault = elf.DynFlag1(value)&elf.DF_1_NODEFLIB != 0
		case elf.DT_SONAME, elf.DT_RPATH, elf.DT_RUNPATH:
			offsets[tag] = value
		}
		if raw == nil {
			break
		}
	}
	if len(needed)+len(offsets) == 0 {
		return nil
	}
	base, ok := fileOffset(segments, table)
	if !ok {
		return formatError("the ELF file is damaged: string table")
	}
	for tag, offset := range offsets {
		if *single[tag], err = w.text(base, offset); err != nil {
			return err
		}
	}
	for _, offset := range needed {
		name, err := w.text(base, offset)
		if err != nil {
			return err
		}
		o.needed = append(o.needed, name)
	}
	return nil
}

// fileOffset says where in the file an address of the running program comes from.
func fileOffset(segments []elf.Prog64, address uint64) (uint64, bool) {
	for _, p := range segments {
		if elf.ProgType(p.Type) == elf.PT_LOAD && address >= p.Vaddr && address-p.Vaddr < p.Filesz {
			return p.Off + (address - p.Vaddr), true
		}
	}
	return 0, false
}

// hasGoNote looks for the note that the Go linker puts into everything that it
// links: name "Go", type 4, the build id.
func hasGoNote(w *window, p *elf.Prog64) bool {
	if p.Filesz > maxNotes {
		return false
	}
	b, err := w.at(p.Off, int(p.Filesz))
	if err != nil {
		return false
	}
	round := func(n uint32) int { return (int(n) + 3) &^ 3 }
	for len(b) >= 12 {
		le := binary.LittleEndian
		nameSize, descSize, kind := le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:])
		b = b[12:]
		if nameSize > maxNotes || descSize > maxNotes || round(nameSize)+round(descSize) > len(b) {
			return false
		}
		if kind == 4 && string(b[:nameSize]) == "Go\x00\x00" {
			return true
		}
		b = b[round(nameSize)+round(descSize):]
	}
	return false
}

// A window reads a file at any place, and keeps its beginning and what it read
// last, because what the loader looks at lies close together.
type window struct {
	r     io.ReaderAt
	head  []byte
	last  []byte
	start uint64 // of last
}

// windowSize is one page: reading less costs the same.
const windowSize = 4096

// on turns the window to another file.
func (w *window) on(r io.ReaderAt) *window {
	*w = window{r: r, head: w.head[:0], last: w.last[:0]}
	return w
}

// at returns n bytes. They are valid until the next call.
func (w *window) at(offset uint64, n int) ([]byte, error) {
	b, err := w.some(offset, n)
	if err != nil {
		return nil, err
	}
	if len(b) < n {
		return nil, errTruncated
	}
	return b[:n], nil
}

// some returns at least n bytes if the file has as many.
func (w *window) some(offset uint64, n int) ([]byte, error) {
	if offset > 1<<62 {
		return nil, errTruncated
	}
	if len(w.head) == 0 {
		if cap(w.head) == 0 {
			w.head = make([]byte, windowSize)
		}
		var err error
		if w.head, err = w.read(w.head[:cap(w.head)], 0); err != nil {
			return nil, err
		}
	}
	end := offset + uint64(n)
	if end <= uint64(len(w.head)) {
		return w.head[offset:], nil
	}
	if offset >= w.start && end <= w.start+uint64(len(w.last)) {
		return w.last[offset-w.start:], nil
	}
	if cap(w.last) < n {
		w.last = make([]byte, max(n, windowSize))
	}
	var err error
	w.last, err = w.read(w.last[:cap(w.last)], offset)
	w.start = offset
	return w.last, err
}

func (w *window) read(b []byte, offset uint64) ([]byte, error) {
	n, err := w.r.ReadAt(b, int64(offset))
	if err != nil && !errors.Is(err, io.EOF) {
		return b[:0], err
	}
	return b[:n], nil
}

// text returns the string at an offset of a string table.
func (w *window) text(base, offset uint64) (string, error) {
	if offset > 1<<62 || base > 1<<62 {
		return "", errTruncated
	}
	for _, n := range []int{256, maxPath, maxString} {
		b, err := w.some(base+offset, n)
		if err != nil {
			return "", err
		}
		if s, _, ended := bytes.Cut(b[:min(n, len(b))], []byte{0}); ended {
			return string(s), nil
		}
	}
	return "", formatError("the ELF file is damaged: a string without an end")
}
