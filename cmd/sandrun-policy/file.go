package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"sandrun/policy"
)

// readManifest reads a regular file, and never waits for one that is not: a FIFO
// opens without a writer, and nothing is read before the type is known.
func readManifest(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, readError(name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, readError(name, err)
	case !info.Mode().IsRegular():
		return nil, readError(name, errors.New("it is not a regular file"))
	case info.Size() > policy.MaxManifest:
		return nil, readError(name, errTooLarge)
	}
	data, err := io.ReadAll(io.LimitReader(f, policy.MaxManifest+1))
	switch {
	case err != nil:
		return nil, readError(name, err)
	case len(data) > policy.MaxManifest: // files in /proc have no size
		return nil, readError(name, errTooLarge)
	}
	return data, nil
}

var errTooLarge = fmt.Errorf("it has more than %d bytes", policy.MaxManifest)

func readError(name string, err error) error {
	var inner *os.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return fmt.Errorf("manifest %q: %w", name, err)
}
