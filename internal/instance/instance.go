package instance

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/shipmi/shipmi/internal/media"
)

// The environment variables of the BMC process. Each timeout has a variable (timeoutKeys), and so has each field of the FRU
// (fruKeys) and each setting of the console (consoleKeys). Each parameter of the provider has a variable with parameterPrefix and its name in capitals.
const (
	nameVariable     = "SHIPMI_NAME"
	providerVariable = "SHIPMI_PROVIDER"
	suitesVariable   = "SHIPMI_CIPHER_SUITES"
	advertVariable   = "SHIPMI_ADVERTISE"
	urlsVariable     = "SHIPMI_MEDIA_URLS"
	localVariable    = "SHIPMI_MEDIA_LOCAL"
	uuidVariable     = "SHIPMI_SYSTEM_UUID"
	inbandVariable   = "SHIPMI_INBAND"
	parameterPrefix  = "SHIPMI_PARAM_"
)

// CountersFile is the name of the file in which the process counts events, in the runtime directory of a BMC.
const CountersFile = "counters"

// ActionDir is the name of the directory for the files of actions, in the state directory of a BMC.
const ActionDir = "actions"

// supportedSuites are the cipher suites that ShIPMI has, in the order in which it offers them.
var supportedSuites = []byte{3, 17}

// An Instance has the settings of one BMC.
type Instance struct {
	Name         string // see CheckName
	Provider     string // name of a built-in provider, or absolute path of a provider file
	Timeouts     Timeouts
	CipherSuites []byte     // cipher suite IDs (§22.15.2), at least one
	Media        media.Rule // for the URLs of images
	Inband       Privilege  `json:",omitzero"` // of the guest, user to administrator; 0: the guest has no access
	FRU          FRU
	Console      Console
	Advertise    netip.AddrPort    // where clients reach the BMC if not at its socket; see ParseAdvertise
	SystemUUID   string            // of the managed machine, see ParseUUID; empty if not set
	Parameters   map[string]string // parameters of the provider, by name in lower case; nil if no parameter is set
}

// Default returns the default settings. They are not valid without a name and a provider.
func Default() Instance {
	return Instance{Timeouts: defaultTimeouts(), CipherSuites: slices.Clone(supportedSuites)}
}

// FromEnv reads an Instance from environment variables, as strings of the form NAME=VALUE. If a variable occurs twice, the
// last value is used. A variable that is missing or empty has its default. The error is one line that names each bad
// variable, its value, and the values that are allowed.
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
		check(key.variable, i.Timeouts.Set(key.name, variables[key.variable]))
	}
	for _, key := range fruKeys {
		check(key.variable, i.FRU.Set(key.name, variables[key.variable]))
	}
	for _, key := range consoleKeys {
		check(key.variable, i.Console.Set(key.name, variables[key.variable]))
	}
	var err error
	i.Advertise, err = ParseAdvertise(variables[advertVariable])
	check(advertVariable, err)
	if value := variables[suitesVariable]; value != "" {
		i.CipherSuites, err = ParseCipherSuites(value)
		check(suitesVariable, err)
	}
	i.Media.URLs, err = media.ParsePrefixes(variables[urlsVariable])
	check(urlsVariable, err)
	switch value := variables[localVariable]; value {
	case "", "0", "1":
		i.Media.Local = value == "1"
	default:
		check(localVariable, fmt.Errorf("%q: want 0 or 1", value))
	}
	i.SystemUUID, err = ParseUUID(variables[uuidVariable])
	check(uuidVariable, err)
	if value := variables[inbandVariable]; value != "" {
		i.Inband, err = ParseInband(value)
		check(inbandVariable, err)
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

// Environ returns i as environment variables for FromEnv: the provider, and all settings that differ from the defaults. The
// name is left out, because the unit sets it.
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
	for _, key := range consoleKeys {
		if *key.field(&i.Console) {
			env = append(env, key.variable+"="+key.on)
		}
	}
	if i.Advertise.Port() != 0 {
		env = append(env, advertVariable+"="+FormatAdvertise(i.Advertise))
	}
	if i.SystemUUID != "" {
		env = append(env, uuidVariable+"="+i.SystemUUID)
	}
	if !bytes.Equal(i.CipherSuites, def.CipherSuites) {
		env = append(env, suitesVariable+"="+formatSuites(i.CipherSuites))
	}
	if i.Inband != 0 {
		env = append(env, inbandVariable+"="+i.Inband.String())
	}
	if len(i.Media.URLs) > 0 {
		env = append(env, urlsVariable+"="+strings.Join(i.Media.URLs, " "))
	}
	if i.Media.Local {
		env = append(env, localVariable+"=1")
	}
	return append(env, i.parameters()...)
}

// Provided returns the part of Environ that says which machine the scripts switch: the provider and its parameters.
func (i Instance) Provided() []string {
	return append([]string{providerVariable + "=" + i.Provider}, i.parameters()...)
}

func (i Instance) parameters() (env []string) {
	for _, name := range slices.Sorted(maps.Keys(i.Parameters)) {
		env = append(env, parameterPrefix+strings.ToUpper(name)+"="+i.Parameters[name])
	}
	return env
}

// ParseInband parses the privilege of a guest: user, operator, administrator or admin.
func ParseInband(text string) (Privilege, error) {
	for _, p := range []Privilege{PrivilegeUser, PrivilegeOperator, PrivilegeAdministrator} {
		if text == p.String() || text == "admin" && p == PrivilegeAdministrator {
			return p, nil
		}
	}
	return 0, fmt.Errorf("%q: want user, operator or admin", text)
}

// ParseCipherSuites parses cipher suite IDs that are separated by spaces, as in "3 17". It returns an error for an empty
// list, a duplicate, and a suite that ShIPMI does not have.
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

func checkProvider(provider string) error {
	isName := provider != "" && !strings.Contains(provider, "/") && !strings.HasSuffix(provider, ".conf")
	if !isName && !filepath.IsAbs(provider) {
		return fmt.Errorf("%q: want the name of a built-in provider, or the absolute path of a provider file", provider)
	}
	if err := CheckText(provider); err != nil {
		return fmt.Errorf("%q %w", provider, err)
	}
	return nil
}
