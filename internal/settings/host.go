package settings

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maruel/natural"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/provider"
)

// A Host is where the configuration file and the provider files are.
type Host struct {
	ConfigDirs []string // have daemon.conf and providers; the first takes precedence
	BuiltIn    string   // directory of the providers that come with ShIPMI
	User       bool     // the BMCs run as the user who calls, and not as root
	Getenv     func(string) string
	Now        func() time.Time
}

// configDirs returns the directories with the configuration file, that in the home of the
// user first.
func (h Host) configDirs() []string {
	if home := h.Getenv("HOME"); home != "" {
		return slices.Concat([]string{filepath.Join(home, ".shipmi")}, h.ConfigDirs)
	}
	return h.ConfigDirs
}

// OwnProviders returns the directories of the providers that the administrator wrote. If
// two providers have the same name, the one in the later directory takes precedence.
func (h Host) OwnProviders() []string {
	var dirs []string
	for _, dir := range slices.Backward(h.configDirs()) {
		dirs = append(dirs, filepath.Join(dir, "providers"))
	}
	return append(dirs, filepath.SplitList(h.Getenv("SHIPMI_PROVIDERS"))...)
}

// ListProviders returns the built-in providers and those of the administrator, in natural
// order: pdu2 comes before pdu10.
func (h Host) ListProviders() ([]provider.Entry, error) {
	entries, err := provider.List(append([]string{h.BuiltIn}, h.OwnProviders()...))
	slices.SortStableFunc(entries, func(a, b provider.Entry) int { return natural.Compare(a.Name, b.Name) })
	return entries, err
}

// ProviderNames returns the names of the providers that ListProviders returns.
func (h Host) ProviderNames() (names []string, err error) {
	entries, err := h.ListProviders()
	for _, entry := range entries {
		names = append(names, entry.Name)
	}
	return names, err
}

// LoadProvider reads the provider that a BMC has, by name or by path. It finds included
// providers where the process of a BMC finds them, which knows neither the caller's home
// nor $SHIPMI_PROVIDERS.
func (h Host) LoadProvider(named string) (*provider.Provider, error) {
	places := []string{h.BuiltIn}
	for _, dir := range slices.Backward(h.ConfigDirs) {
		places = append(places, filepath.Join(dir, "providers"))
	}
	p, err := provider.Load(provider.Locate(h.BuiltIn, named), places...)
	if e, ok := errors.AsType[*provider.UnknownError](err); ok {
		err = hint.DidYouMean(err, []string{strings.ToLower(e.Word)}, e.Known)
	}
	return p, err
}

// ProviderLoader returns a LoadProvider that reads each provider once.
func (h Host) ProviderLoader() func(named string) (*provider.Provider, error) {
	type loaded struct {
		provider *provider.Provider
		err      error
	}
	known := make(map[string]loaded)
	return func(named string) (*provider.Provider, error) {
		l, found := known[named]
		if !found {
			l.provider, l.err = h.LoadProvider(named)
			known[named] = l
		}
		return l.provider, l.err
	}
}

// NamedProvider returns how a BMC has the provider with that path: a built-in provider by
// its name, so that the BMC does not depend on where ShIPMI is installed.
func (h Host) NamedProvider(path string) string {
	if filepath.Dir(path) == h.BuiltIn {
		return ProviderName(path)
	}
	return path
}

// FindProvider returns the provider with the name or path asked. If that is empty, it
// returns the one in the configuration file, or the only one of the administrator.
func (h Host) FindProvider(asked, configured string) (*provider.Provider, error) {
	path, err := h.providerPath(cmp.Or(asked, configured))
	if err == nil {
		return h.LoadProvider(path)
	}
	if strings.Contains(asked, "/") {
		return nil, err
	}
	names, listErr := h.ProviderNames()
	if listErr != nil {
		return nil, listErr
	}
	err = hint.Add(err, "there are %s", cmp.Or(strings.Join(names, ", "), "none: write one below "+h.OwnProviders()[0]))
	return nil, hint.DidYouMean(err, []string{cmp.Or(asked, configured)}, names)
}

func (h Host) providerPath(name string) (string, error) {
	own := h.OwnProviders()
	if name != "" {
		return provider.Find(append([]string{h.BuiltIn}, own...), name)
	}
	entries, err := provider.List(own)
	switch {
	case err != nil:
		return "", err
	case len(entries) != 1:
		return "", errors.New("no provider given: choose one with --provider")
	}
	return entries[0].Path, nil
}

// CheckParameters returns an error, with hints about all parameters, if the provider of
// the BMC called name cannot work with the parameters that are set.
func CheckParameters(p *provider.Provider, name string, set map[string]string) error {
	_, err := p.Values(name, set)
	if err == nil {
		return nil
	}
	for _, parameter := range p.Parameters {
		err = hint.Add(err, "--set %s=...: %s (default: %s)", parameter.Name, parameter.Help, DescribeDefault(parameter))
	}
	if p.Parameters == nil {
		return hint.Add(err, "it has no parameters")
	}
	return err
}

// DescribeDefault returns the default of a parameter in quotes, or "none".
func DescribeDefault(p provider.Parameter) string {
	if p.Required {
		return "none"
	}
	return strconv.Quote(p.Default)
}

// ProviderName returns the name of a provider that a BMC has by name or by path, or "" if
// it has none.
func ProviderName(named string) string {
	_, file := filepath.Split(named)
	return strings.TrimSuffix(file, ".conf")
}
