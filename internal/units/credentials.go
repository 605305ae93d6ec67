package units

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

// CredentialSource returns the file of which systemd passes a copy to the process of a BMC,
// according to its drop-ins, or "" if there is none.
func (s Store) CredentialSource(name string) (string, error) {
	p, err := s.loadPath()
	if err != nil {
		return "", err
	}
	service := ServiceUnit(name)
	settings, err := p.settings(service)
	if err != nil {
		return "", err
	}
	var source string
	for _, set := range pick(settings, serviceSection, credSetting) {
		if id, path, _ := strings.Cut(p.expand(service, set.Value), ":"); id == credentialID {
			source = path
		}
	}
	return source, nil
}

// CredentialPath returns the path of the file with the credentials of a BMC, as the service
// manager sees it.
func (s Store) CredentialPath(name string) string { return filepath.Join(s.credentialsDir(), name) }

// checkCredentialSource returns an error if the BMC has the credentials of another BMC: its
// drop-ins were copied or renamed by hand.
func (s Store) checkCredentialSource(name string) error {
	source, err := s.CredentialSource(name)
	if err != nil {
		return err
	}
	if filepath.Dir(source) == s.credentialsDir() && source != s.CredentialPath(name) {
		return fmt.Errorf("%s: %w: %s", name, ErrOtherCredentials, source)
	}
	return nil
}

// LastDropIn returns the last of the drop-ins of a service that has a setting, or "" if none
// has it.
func LastDropIn(paths []string, name string) string {
	for _, path := range slices.Backward(paths) {
		options, err := readDropIn(path)
		if err == nil && slices.ContainsFunc(options, func(o *unit.UnitOption) bool { return o.Section == serviceSection && o.Name == name }) {
			return path
		}
	}
	return ""
}
