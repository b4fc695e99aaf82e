package closure

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// An entry is a name in a directory.
type entry struct {
	name string
	dir  bool // a directory, not a link to one
}

// readDir lists a directory in the order of names. It is os.ReadDir without what
// that costs besides the system calls.
func readDir(path string) ([]entry, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var list []entry
	buf := make([]byte, 8<<10)
	for {
		n, err := unix.Getdents(fd, buf)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.name, b.name) })
			return list, nil
		}
		for b := buf[:n]; len(b) > 0; {
			// struct linux_dirent64: inode, offset, length, type, name.
			size := binary.LittleEndian.Uint16(b[16:])
			name, _, _ := bytes.Cut(b[19:size], []byte{0})
			if s := string(name); s != "." && s != ".." {
				// Not every file system says what an entry is.
				dir := b[18] == unix.DT_DIR || b[18] == unix.DT_UNKNOWN && isDir(path+"/"+s)
				list = append(list, entry{s, dir})
			}
			b = b[size:]
		}
		if len(list) > maxEntries {
			return nil, errTooMuch
		}
	}
}
