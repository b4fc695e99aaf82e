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
	data, _, err := readRegular(name)
	if err != nil {
		return nil, manifestError(name, err)
	}
	return data, nil
}

func readRegular(name string) ([]byte, os.FileInfo, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, nil, err
	case !info.Mode().IsRegular():
		return nil, nil, errors.New("it is not a regular file")
	case info.Size() > policy.MaxManifest:
		return nil, nil, errTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(f, policy.MaxManifest+1))
	switch {
	case err != nil:
		return nil, nil, err
	case len(data) > policy.MaxManifest: // files in /proc have no size
		return nil, nil, errTooLarge
	}
	return data, info, nil
}

var errTooLarge = fmt.Errorf("it has more than %d bytes", policy.MaxManifest)

// manifestError names the manifest in front of the cause of an error.
func manifestError(name string, err error) error {
	return fmt.Errorf("manifest %q: %w", name, withoutPath(err))
}

// withoutPath leaves the cause of an error.
func withoutPath(err error) error {
	var inner *os.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}
