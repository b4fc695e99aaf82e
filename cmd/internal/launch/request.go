//go:build linux

package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"sandrun/cmd/internal/voice"
	"sandrun/policy"
	"sandrun/sandbox"
)

// Request makes the request of a command line: flags and manifest merged, and
// the command, from the line or else from the manifest.
func (s *Settings) Request(command []string) (sandbox.Request, error) {
	r := sandbox.Request{
		Command: command, Env: os.Environ(), Dir: s.dir,
		Options: sandbox.Options{
			Bare: s.bareStart, DenyJIT: s.denyJIT, NoCreate: s.noCreate, Tolerate: s.tolerate, Explain: s.explain,
		},
	}
	if len(s.later) > 0 {
		return r, fmt.Errorf("--%s is not served by this version", s.later[0])
	}
	if err := s.checkPinned(); err != nil {
		return r, err
	}
	r.Policy = policy.Policy{Grants: s.grants}
	if s.onerror != "" {
		r.Policy.OnError, _ = policy.ParseOnError(s.onerror) // the flag took no other name
		r.Policy.OnErrorSource = policy.Source{Flag: "--onerror"}
	}
	if s.policy != "" {
		manifest, err := s.readManifest(s.policy)
		if err != nil {
			return r, err
		}
		r.Policy = policy.Merge(r.Policy, manifest)
	}
	if len(r.Command) == 0 {
		r.Command = r.Policy.Command
	}
	if !s.quiet { // what the parsers of flags and manifest found odd
		for _, w := range s.warnings {
			voice.Tell("warning", "%s: %s", w.Source, w.Text)
		}
	}
	return r, nil
}

// readManifest reads a manifest once; what is parsed is what was read.
func (s *Settings) readManifest(name string) (policy.Policy, error) {
	data, err := readRegular(name)
	if err != nil {
		return policy.Policy{}, err
	}
	if err := s.verifyManifest(name, data); err != nil {
		return policy.Policy{}, err
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return policy.Policy{}, err
	}
	p, warnings, err := policy.ParseManifest(data, name, filepath.Dir(abs))
	s.warnings = append(s.warnings, warnings...)
	return p, err
}

// readRegular reads a small regular file without ever waiting for it.
func readRegular(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("manifest %q: %w", name, errors.Unwrap(err))
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("manifest %q: %w", name, errors.Unwrap(err))
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("manifest %q: is not a regular file", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, policy.MaxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("manifest %q: %w", name, err)
	}
	if len(data) > policy.MaxManifest {
		return nil, fmt.Errorf("manifest %q: is larger than %d bytes", name, policy.MaxManifest)
	}
	return data, nil
}
