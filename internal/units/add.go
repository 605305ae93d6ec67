package units

import (
	"errors"
	"fmt"

	"github.com/shipmi/shipmi/internal/instance"
)

// Add writes the files of new BMCs, which all have the same credentials, and then calls
// commit. If anything fails, commit included, no BMC is added. The error wraps ErrExist if
// a name exists already, and ErrTaken if another BMC has an address.
func (s Store) Add(bmcs []BMC, c instance.Credentials, commit func() error) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()

	all, err := s.listeners()
	if err != nil {
		return err
	}
	taken := addressesOf(all)
	var files []file
	for _, b := range bmcs {
		rendered, err := s.newFiles(b, c, taken)
		if err != nil {
			return err
		}
		files = append(files, rendered...)
	}
	return s.replace(files, commit)
}

// CheckAdd returns the error that Add would return if the other BMCs existed.
func (s Store) CheckAdd(b BMC, c instance.Credentials, others []BMC) error {
	_, err := s.newFiles(b, c, addressesOf(others))
	return err
}

func (s Store) newFiles(b BMC, c instance.Credentials, taken addresses) ([]file, error) {
	files, err := s.files(b, c)
	if err != nil {
		return nil, err
	}
	if s.exists(b.Name) {
		return nil, fmt.Errorf("BMC %q %w", b.Name, ErrExist)
	}
	return files, taken.claim(b)
}

// files returns the files of a new BMC. The directory of the socket, by which other commands
// know that the BMC exists, comes last.
func (s Store) files(b BMC, c instance.Credentials) ([]file, error) {
	dropIns, err := s.dropIns(b)
	if err := errors.Join(instance.CheckName(b.Name), c.Check(), err); err != nil {
		return nil, err
	}
	files := []file{s.credentialsFile(b.Name, c)}
	if b.RunAs != (Account{}) {
		sandbox, err := s.sandbox(b)
		if err != nil {
			return nil, err
		}
		files = append(files, sandbox)
	}
	for _, d := range dropIns {
		f, err := s.render(d)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	if b.Comment == "" {
		return files, nil
	}
	comment, err := s.commentFile(b)
	return append(files, comment), err
}

func (s Store) credentialsFile(name string, c instance.Credentials) file {
	return file{path: s.path(s.CredentialPath(name)), text: c.Marshal(), mode: 0o600}
}
