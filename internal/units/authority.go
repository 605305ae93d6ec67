package units

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

const (
	userSetting  = "User"
	groupSetting = "Group"
	allowSetting = "IPAddressAllow"
	denySetting  = "IPAddressDeny"
	sandboxName  = "40-sandbox.conf" // sorts before the drop-ins of administrators
	sandboxFile  = "/sandbox.conf"   // what such a link points to ends in this
)

// An Account is the user that a BMC and its scripts run as. The zero Account is root.
type Account struct {
	User  string // name or number
	Group string // name or number; empty for the primary group of the user
}

// String returns the account as USER or USER:GROUP.
func (a Account) String() string {
	if a.Group == "" {
		return a.User
	}
	return a.User + ":" + a.Group
}

// options are the settings of the service. The credential file belongs to root, so such a
// BMC cannot change it when a client asks over IPMI.
func (a Account) options() []*unit.UnitOption {
	if a.User == "" {
		return nil
	}
	options := []*unit.UnitOption{
		unit.NewUnitOption(serviceSection, envSetting, quote("SHIPMI_CREDENTIALS=")),
		unit.NewUnitOption(serviceSection, userSetting, a.User),
	}
	if a.Group != "" {
		options = append(options, unit.NewUnitOption(serviceSection, groupSetting, a.Group))
	}
	return options
}

// account returns the account in the settings of a service.
func account(settings []setting) (a Account) {
	for _, s := range pick(settings, serviceSection, userSetting) {
		a.User = s.Value
	}
	for _, s := range pick(settings, serviceSection, groupSetting) {
		a.Group = s.Value
	}
	return a
}

// filterOptions are the settings of a socket that accepts packets only from some networks.
func filterOptions(allow []string) []*unit.UnitOption {
	if allow == nil {
		return nil
	}
	options := []*unit.UnitOption{unit.NewUnitOption(socketSection, denySetting, "any")}
	for _, network := range allow {
		options = append(options, unit.NewUnitOption(socketSection, allowSetting, network))
	}
	return options
}

// allowed returns the networks from which a socket accepts packets, or nil for all.
func allowed(settings []setting) (allow []string) {
	if pick(settings, socketSection, denySetting) == nil {
		return nil
	}
	for _, s := range pick(settings, socketSection, allowSetting) {
		allow = append(allow, strings.Fields(s.Value)...)
	}
	return allow
}

// SandboxLink returns the path of the link to the sandbox of a BMC.
func (s Store) SandboxLink(name string) string {
	return filepath.Join(s.dropInDir(ServiceUnit(name)), sandboxName)
}

// sandbox returns the link to the sandbox of a BMC that does not run as root. For other
// BMCs the link is gone. All links point to one file, which is updated with ShIPMI.
func (s Store) sandbox(b BMC) (file, error) {
	f := file{path: s.SandboxLink(b.Name), link: s.Sandbox}
	if b.RunAs == (Account{}) {
		return file{path: f.path, gone: true}, nil
	}
	if _, err := os.Stat(s.Sandbox); err != nil {
		return file{}, fmt.Errorf("sandbox of %v: %w", b.RunAs, err)
	}
	return f, nil
}
