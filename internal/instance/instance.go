package instance

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The environment of a BMC's process. Each timeout adds a variable of its own,
// see timeouts.go, and so does each parameter of the provider: the prefix and its
// name in capitals.
const (
	nameVariable     = "SHIPMI_NAME"
	providerVariable = "SHIPMI_PROVIDER"
	suitesVariable   = "SHIPMI_CIPHER_SUITES"
	parameterPrefix  = "SHIPMI_PARAM_"
)

// ActionDir is where below the state directory of a BMC the files of its actions
// are, and nothing else is.
const ActionDir = "actions"

// supportedSuites are the cipher suites that ShIPMI speaks, in the order in
// which it offers them.
var supportedSuites = []byte{3, 17}

// An Instance is one BMC as it was set up.
type Instance struct {
	Name         string // valid for CheckName
	Provider     string // absolute path of the provider file
	Timeouts     Timeouts
	CipherSuites []byte // cipher suite IDs (§22.15.2), at least one
	FRU          FRU
	Parameters   map[string]string // of the provider, by name in lower case, as far as they are set; nil: none is
}

// Default returns the settings of a BMC of which nothing is set, which is not
// valid yet: it has neither name nor provider.
func Default() Instance {
	return Instance{Timeouts: defaultTimeouts(), CipherSuites: slices.Clone(supportedSuites)}
}

// FromEnv reads an Instance from NAME=VALUE strings; of two with the same name the
// last counts. What is unset or empty has its default. The error is one line that
// names every bad variable, its value and what is allowed.
func FromEnv(environ []string) (Instance, error) {
	i := Default()
	variables := make(map[string]string)
	for _, entry := range environ {
		variable, value, _ := strings.Cut(entry, "=")
		variables[variable] = value
	}
	var problems []string
	check := func(variable string, err error) {
		if err != nil {
			problems = append(problems, variable+": "+err.Error())
		}
	}

	i.Name = variables[nameVariable]
	check(nameVariable, CheckName(i.Name))
	i.Provider = variables[providerVariable]
	check(providerVariable, checkProvider(i.Provider))
	for _, key := range timeoutKeys {
		if value := variables[key.variable]; value != "" {
			check(key.variable, i.Timeouts.Set(key.name, value))
		}
	}
	for _, key := range fruKeys {
		check(key.variable, i.FRU.Set(key.name, variables[key.variable]))
	}
	if value := variables[suitesVariable]; value != "" {
		var err error
		i.CipherSuites, err = ParseCipherSuites(value)
		check(suitesVariable, err)
	}
	for variable, value := range variables {
		name, ok := strings.CutPrefix(variable, parameterPrefix)
		if !ok {
			continue
		}
		if i.Parameters == nil {
			i.Parameters = make(map[string]string)
		}
		i.Parameters[strings.ToLower(name)] = value
	}
	if problems != nil {
		return Instance{}, errors.New(strings.Join(problems, "; "))
	}
	return i, nil
}

// Environ returns i as NAME=VALUE strings for FromEnv: the provider, and what
// differs from the defaults. The name is left out, because the unit knows it.
func (i Instance) Environ() []string {
	env := []string{providerVariable + "=" + i.Provider}
	def := Default()
	for _, key := range timeoutKeys {
		if value := *key.field(&i.Timeouts); value != *key.field(&def.Timeouts) {
			env = append(env, key.variable+"="+value.String())
		}
	}
	for _, key := range fruKeys {
		if value := *key.field(&i.FRU); value != "" {
			env = append(env, key.variable+"="+value)
		}
	}
	if !bytes.Equal(i.CipherSuites, def.CipherSuites) {
		env = append(env, suitesVariable+"="+formatSuites(i.CipherSuites))
	}
	for _, name := range slices.Sorted(maps.Keys(i.Parameters)) {
		env = append(env, parameterPrefix+strings.ToUpper(name)+"="+i.Parameters[name])
	}
	return env
}

// ParseCipherSuites reads cipher suite IDs that are separated by spaces, as in
// "3 17".
func ParseCipherSuites(text string) ([]byte, error) {
	var suites []byte
	for _, field := range strings.Fields(text) {
		id, err := strconv.ParseUint(field, 10, 8)
		if err != nil || !slices.Contains(supportedSuites, byte(id)) || slices.Contains(suites, byte(id)) {
			return nil, fmt.Errorf("%q: want each of %q once at most", text, formatSuites(supportedSuites))
		}
		suites = append(suites, byte(id))
	}
	if suites == nil {
		return nil, fmt.Errorf("%q: want at least one of %q", text, formatSuites(supportedSuites))
	}
	return suites, nil
}

func formatSuites(suites []byte) string {
	return strings.Trim(fmt.Sprint(suites), "[]")
}

func checkProvider(path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%q: want the absolute path of a provider file", path)
	}
	if err := CheckText(path); err != nil {
		return fmt.Errorf("%q %w", path, err)
	}
	return nil
}
