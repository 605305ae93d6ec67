package main

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/shipmi/shipmi/internal/provider"
)

// ownProviders returns the directories of the providers that the users of this
// host made. Of two with the same name the one in the later directory counts.
func (a *app) ownProviders() []string {
	var dirs []string
	for _, dir := range slices.Backward(a.configDirs()) {
		dirs = append(dirs, filepath.Join(dir, "providers"))
	}
	return append(dirs, filepath.SplitList(a.getenv("SHIPMI_PROVIDERS"))...)
}

func (a *app) listProviders() ([]provider.Entry, error) {
	return provider.List(append([]string{a.builtIn}, a.ownProviders()...))
}

func (a *app) providerNames() (names []string, err error) {
	entries, err := a.listProviders()
	for _, entry := range entries {
		names = append(names, entry.Name)
	}
	return names, err
}

// loadProvider reads a provider file as the process of a BMC would.
func (a *app) loadProvider(path string) (*provider.Provider, error) {
	places := []string{a.builtIn}
	for _, dir := range slices.Backward(a.config) {
		places = append(places, filepath.Join(dir, "providers"))
	}
	return provider.Load(path, places...)
}

// findProvider returns the provider that was asked for, else the one in the
// configuration file, else the only one that the user made.
func (a *app) findProvider(asked, configured string) (*provider.Provider, error) {
	path, err := a.providerPath(cmp.Or(asked, configured))
	if err == nil {
		return a.loadProvider(path)
	}
	if strings.Contains(asked, "/") {
		return nil, err
	}
	names, listErr := a.providerNames()
	if listErr != nil {
		return nil, listErr
	}
	err = hint(err, "there are %s", cmp.Or(strings.Join(names, ", "), "none: write one below "+a.ownProviders()[0]))
	return nil, mistyped(err, names, cmp.Or(asked, configured))
}

func (a *app) providerPath(name string) (string, error) {
	own := a.ownProviders()
	if name != "" {
		return provider.Find(append([]string{a.builtIn}, own...), name)
	}
	entries, err := provider.List(own)
	switch {
	case err != nil:
		return "", err
	case len(entries) != 1:
		return "", errors.New("which provider? choose one with --provider")
	}
	return entries[0].Path, nil
}

// checkParameters reports parameters of a BMC with which its provider cannot be
// used.
func checkParameters(p *provider.Provider, name string, set map[string]string) error {
	_, err := p.Values(name, set)
	if err == nil {
		return nil
	}
	for _, parameter := range p.Parameters {
		err = hint(err, "--set %s=...: %s (default: %s)", parameter.Name, parameter.Help, defaultOf(parameter))
	}
	if p.Parameters == nil {
		return hint(err, "it has no parameters")
	}
	return err
}

// defaultOf describes the default of a parameter.
func defaultOf(p provider.Parameter) string {
	if p.Required {
		return "none"
	}
	return strconv.Quote(p.Default)
}

// providerName returns the name under which a provider file is known, "" for "".
func providerName(path string) string {
	_, file := filepath.Split(path)
	return strings.TrimSuffix(file, ".conf")
}
