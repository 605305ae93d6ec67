package units

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

// CredentialSources returns, by the name of the BMC, the file of which systemd passes a copy
// to the process, according to the drop-ins; "" if there is none.
func (s Store) CredentialSources(names ...string) (map[string]string, error) {
	p, err := s.loadPath()
	if err != nil {
		return nil, err
	}
	sources := make(map[string]string)
	for _, name := range names {
		if sources[name], err = p.credentialSource(name); err != nil {
			return nil, err
		}
	}
	return sources, nil
}

func (p loadPath) credentialSource(name string) (string, error) {
	service := ServiceUnit(name)
	settings, err := p.settings(service)
	if err != nil {
		return "", err
	}
	return credentialSource(p, service, settings, credentialID), nil
}

// credentialSource returns the file that the settings of a service name for a credential, or
// "" if there is none.
func credentialSource(p loadPath, service string, settings []setting, credential string) (source string) {
	for _, set := range pick(settings, serviceSection, credSetting) {
		if id, path, _ := strings.Cut(p.expand(service, set.Value), ":"); id == credential {
			source = path
		}
	}
	return source
}

// CredentialPath returns the path of the file with the credentials of a BMC, as the service
// manager sees it.
func (s Store) CredentialPath(name string) string { return filepath.Join(s.credentialsDir(), name) }

// checkCredentialSource returns an error if the BMC has the credentials of another BMC: its
// drop-ins were copied or renamed by hand.
func (s Store) checkCredentialSource(name string) error {
	sources, err := s.CredentialSources(name)
	if err != nil {
		return err
	}
	if source := sources[name]; filepath.Dir(source) == s.credentialsDir() && source != s.CredentialPath(name) {
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
