package main

import (
	"cmp"
	"errors"
	"path/filepath"
	"strings"

	"github.com/shipmi/shipmi/internal/provider"
)

// findProvider returns the path of the provider that was asked for, else of the
// one in the configuration file, else of the only one that the user made.
func (a *app) findProvider(asked, configured string) (string, error) {
	own := []string{filepath.Join(a.store.Root, "/etc/shipmi/providers")}
	if home := a.getenv("HOME"); home != "" {
		own = append(own, filepath.Join(home, ".shipmi/providers"))
	}
	own = append(own, filepath.SplitList(a.getenv("SHIPMI_PROVIDERS"))...)
	all := append([]string{a.builtIn}, own...)

	var (
		path string
		err  error
	)
	if name := cmp.Or(asked, configured); name != "" {
		path, err = provider.Find(all, name)
	} else {
		path, err = onlyProvider(own)
	}
	if err == nil {
		_, err = provider.Load(path)
		return path, err
	}

	entries, listErr := provider.List(all)
	if listErr != nil {
		return "", listErr
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name)
	}
	return "", hint(err, "there are %s", cmp.Or(strings.Join(names, ", "), "none: write one below "+own[0]))
}

func onlyProvider(dirs []string) (string, error) {
	entries, err := provider.List(dirs)
	switch {
	case err != nil:
		return "", err
	case len(entries) != 1:
		return "", errors.New("which provider? choose one with --provider")
	}
	return entries[0].Path, nil
}

// providerName returns the name under which a provider file is known, "" for "".
func providerName(path string) string {
	_, file := filepath.Split(path)
	return strings.TrimSuffix(file, ".conf")
}
