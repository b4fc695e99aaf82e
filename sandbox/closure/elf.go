package closure

import (
	"bytes"
	"encoding/binary"
)

// Numbers of the ELF format (System V ABI, and glibc's elf.h for the flags). The
// standard library has them in debug/elf, whose imports would cost every launch
// 0.05 ms of initialisation.
const (
	elfMagic     = "\x7fELF"
	class32      = 1
	class64      = 2
	little       = 1
	kindExec     = 2
	kindDyn      = 3
	segLoad      = 1
	segDynamic   = 2
	segInterp    = 3
	segNote      = 4
	tagNull      = 0
	tagNeeded    = 1
	tagStrtab    = 5
	tagSoname    = 14
	tagRpath     = 15
	tagRunpath   = 29
	tagFlags1    = 0x6ffffffb
	flagNodeflib = 0x800 // DF_1_NODEFLIB
	noteBuildID  = 4     // of the owner "Go"
)

// A segment is a program header.
type segment struct {
	kind                  uint32
	offset, address, size uint64
}

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
	var dynamic *segment
	for i := range segments {
		p := &segments[i]
		switch p.kind {
		case segInterp:
			if o.interp != "" {
				continue // the kernel takes the first
			}
			if o.interp, err = readInterp(w, p); err != nil {
				return nil, err
			}
		case segDynamic:
			dynamic = p
		case segNote:
			o.golang = o.golang || hasGoNote(w, p)
		}
	}
	if dynamic == nil {
		return o, nil
	}
	return o, o.readDynamic(w, segments, dynamic)
}

// readSegments reads the ELF header and the program headers.
func readSegments(w *window, m *machine) ([]segment, error) {
	const size = 64 // of the header of a 64-bit ELF file
	h, err := w.at(0, size)
	if err != nil || string(h[:4]) != elfMagic {
		return nil, errNotELF
	}
	le := binary.LittleEndian
	class, order, kind, arch := h[4], h[5], le.Uint16(h[16:]), le.Uint16(h[18:])
	switch {
	case class == class32:
		return nil, formatError("a 32-bit program, whose system calls sandrun does not judge")
	case class != class64 || order != little || arch != m.elf:
		return nil, formatError("built for another architecture (" + machineName(arch) + ") than this " + m.name)
	case kind != kindExec && kind != kindDyn:
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
	segments := make([]segment, n)
	for i := range segments {
		b := raw[i*each:]
		segments[i] = segment{le.Uint32(b), le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[32:])}
	}
	return segments, nil
}

// ELFInterpreter reads which ELF interpreter an open program wants, "" for none. Its
// errors say why the file is no program of this machine.
func ELFInterpreter(fd int) (string, error) {
	w := new(window).on(file(fd))
	segments, err := readSegments(w, native)
	if err != nil {
		return "", err
	}
	for i := range segments {
		if segments[i].kind == segInterp { // the kernel takes the first
			return readInterp(w, &segments[i])
		}
	}
	return "", nil
}

func readInterp(w *window, p *segment) (string, error) {
	if p.size < 2 || p.size > maxPath {
		return "", formatError("the ELF file is damaged: ELF interpreter")
	}
	b, err := w.at(p.offset, int(p.size))
	if err != nil {
		return "", err
	}
	name, _, ended := bytes.Cut(b, []byte{0})
	if !ended || len(name) == 0 {
		return "", formatError("the ELF file is damaged: ELF interpreter")
	}
	return string(name), nil
}

// readDynamic reads the dynamic section and the strings that it points to. The
// loader sees both as they are mapped.
func (o *object) readDynamic(w *window, segments []segment, p *segment) error {
	start, ok := fileOffset(segments, p.address)
	if !ok || p.size > maxDynamic {
		return formatError("the ELF file is damaged: dynamic section")
	}
	raw, err := w.at(start, int(p.size))
	if err != nil {
		return err
	}
	// A tag that is there twice counts as the last, but DT_NEEDED.
	var table uint64
	var needed []uint64
	var single [tagRunpath + 1]uint64
	for ; len(raw) >= 16; raw = raw[16:] {
		tag, value := binary.LittleEndian.Uint64(raw), binary.LittleEndian.Uint64(raw[8:])
		switch tag {
		case tagStrtab:
			table = value
		case tagNeeded:
			needed = append(needed, value)
		case tagFlags1:
			o.noDefault = value&flagNodeflib != 0
		case tagSoname, tagRpath, tagRunpath:
			single[tag] = value
		}
		if tag == tagNull {
			break
		}
	}
	base, ok := fileOffset(segments, table)
	if !ok && table != 0 {
		return formatError("the ELF file is damaged: string table")
	}
	text := func(offset uint64) (s string) {
		if err == nil && offset != 0 {
			s, err = w.text(base, offset)
		}
		return s
	}
	o.soname, o.rpath, o.runpath = text(single[tagSoname]), text(single[tagRpath]), text(single[tagRunpath])
	for _, offset := range needed {
		o.needed = append(o.needed, text(offset))
	}
	return err
}

// fileOffset says where in the file an address of the running program comes from.
func fileOffset(segments []segment, address uint64) (uint64, bool) {
	for _, p := range segments {
		if p.kind == segLoad && address >= p.address && address-p.address < p.size {
			return p.offset + (address - p.address), true
		}
	}
	return 0, false
}

// hasGoNote looks for the note that the Go linker puts into everything that it
// links: name "Go", type 4, the build id.
func hasGoNote(w *window, p *segment) bool {
	if p.size > maxNotes {
		return false
	}
	b, err := w.at(p.offset, int(p.size))
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
		if kind == noteBuildID && string(b[:nameSize]) == "Go\x00\x00" {
			return true
		}
		b = b[round(nameSize)+round(descSize):]
	}
	return false
}
