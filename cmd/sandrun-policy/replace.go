package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// A manifest is a file whose content will be replaced.
type manifest struct {
	name       string // as it was given
	target     string // where the links end
	info       os.FileInfo
	accessList []byte // nil: none
	data       []byte
}

// openManifest reads a manifest, and follows links to it now, so that the file is
// replaced and not a link.
func openManifest(name string) (*manifest, error) {
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, manifestError(name, err)
	}
	data, info, err := readRegular(target)
	if err != nil {
		return nil, manifestError(name, err)
	}
	list, err := readAccessList(target)
	if err != nil {
		return nil, manifestError(name, fmt.Errorf("access list: %w", err))
	}
	return &manifest{name, target, info, list, data}, nil
}

// replace gives the manifest a new content at once: whoever opens it sees the old
// one or the new one. Mode, owner and access list stay. It fails where somebody
// else changed the manifest since it was read; two that replace it at a time keep
// each other out by the name of the new file. A writer that knows nothing of that
// can still come between the last look and the renaming.
func (m *manifest) replace(data []byte) error {
	dir, base := filepath.Split(m.target)
	name := dir + "." + base + ".lock"
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return manifestError(m.name, fmt.Errorf("%q exists: it is being locked, or that was interrupted and the file is to be removed", name))
	}
	if err != nil {
		return manifestError(m.name, fmt.Errorf("create %q: %w", name, withoutPath(err)))
	}
	err = m.fill(f, data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = m.unchanged()
	}
	if err == nil {
		err = os.Rename(name, m.target)
	}
	if err != nil {
		return manifestError(m.name, errors.Join(err, os.Remove(name)))
	}
	return syncDir(m.target)
}

// fill makes a new file what the manifest is to be.
func (m *manifest) fill(f *os.File, data []byte) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := m.keepOwner(f); err != nil {
		return fmt.Errorf("keep the owner: %w", withoutPath(err))
	}
	if err := m.keepAccessList(f); err != nil {
		return fmt.Errorf("keep the access list: %w", err)
	}
	if err := f.Chmod(m.info.Mode()); err != nil {
		return fmt.Errorf("keep the mode: %w", withoutPath(err))
	}
	return f.Sync()
}

func (m *manifest) keepOwner(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	old, ok := m.info.Sys().(*syscall.Stat_t)
	now, ok2 := info.Sys().(*syscall.Stat_t)
	if !ok || !ok2 {
		return errors.New("it is not known here")
	}
	if old.Uid == now.Uid && old.Gid == now.Gid {
		return nil
	}
	return f.Chown(int(old.Uid), int(old.Gid))
}

// accessList is the attribute with the POSIX access list of a file.
const accessList = "system.posix_acl_access"

func readAccessList(name string) ([]byte, error) {
	list := make([]byte, 64<<10) // the most that an attribute can have (XATTR_SIZE_MAX)
	n, err := unix.Getxattr(name, accessList, list)
	if isNoAttribute(err) {
		return nil, nil
	}
	return list[:max(n, 0)], err
}

// keepAccessList gives a file the access list of the manifest, or none. The mode
// bits of the group are the mask of the list: a mode alone would give the group
// what the list gave to somebody else.
func (m *manifest) keepAccessList(f *os.File) error {
	if m.accessList != nil {
		return unix.Fsetxattr(int(f.Fd()), accessList, m.accessList, 0)
	}
	if err := unix.Fremovexattr(int(f.Fd()), accessList); !isNoAttribute(err) {
		return err
	}
	return nil
}

// isNoAttribute tells whether a file has no such attribute, or its file system
// none at all.
func isNoAttribute(err error) bool {
	return errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP)
}

// unchanged tells whether the name still leads to what was read.
func (m *manifest) unchanged() error {
	now, err := openManifest(m.name)
	if err != nil {
		return fmt.Errorf("it was changed meanwhile: %w", errors.Unwrap(err))
	}
	if now.target != m.target || !os.SameFile(now.info, m.info) ||
		!bytes.Equal(now.data, m.data) || !bytes.Equal(now.accessList, m.accessList) || now.info.Mode() != m.info.Mode() {
		return errors.New("it was changed meanwhile: nothing is written")
	}
	return nil
}

// syncDir makes a renaming last.
func syncDir(target string) error {
	dir, err := os.Open(filepath.Dir(target))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
