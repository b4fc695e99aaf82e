package closure

import (
	"bytes"
	"errors"
	"io"
)

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
