package manifest

import "slices"

// Version is the version of the format. Read refuses every other one.
const Version = 1

// A File is a whole document.
type File struct {
	Version int      `json:"version"`
	Gateway *Gateway `json:"gateway,omitempty"` // nil: the file does not name the gateway
	BMCs    []BMC    `json:"bmcs"`
}

// A Gateway is the gateway of the host. The names of its keys are those of the flags of "shipmi gateway enable". A key that
// is left out has its default.
type Gateway struct {
	State   State    `json:"state,omitempty"`    // Started, the default, or Absent
	Listen  []string `json:"listen,omitempty"`   // each [ADDRESS:]PORT; default: 8000
	Allow   []string `json:"allow,omitempty"`    // networks; default: all
	TLSCert string   `json:"tls_cert,omitempty"` // path; default: the certificate of the host
	TLSKey  string   `json:"tls_key,omitempty"`

	placed
}

// A BMC is one BMC. A key that is left out has its default, which for a secret is the one that
// the BMC has. The names are those of the flags of "shipmi add".
type BMC struct {
	Name  string `json:"name"`
	State State  `json:"state,omitempty"` // default: Started

	Provider   string            `json:"provider,omitempty"` // name or path; default: as for "shipmi add"
	Parameters map[string]string `json:"parameters,omitempty"`

	// Addresses to listen on for IPMI, by default "::". One that is not at Port has a port of its
	// own, as in 192.0.2.1:6230.
	Address []string `json:"address,omitempty"`
	Port    int      `json:"port,omitempty"` // UDP; default: 623
	NoIPMI  bool     `json:"no_ipmi,omitempty"`
	Redfish int      `json:"redfish,omitempty"` // TCP port; default: no Redfish
	// RedfishAddress is like Address. By default, it is the same addresses.
	RedfishAddress []string `json:"redfish_address,omitempty"`
	Gateway        bool     `json:"gateway,omitempty"`  // the gateway of the host serves its Redfish
	TLSCert        string   `json:"tls_cert,omitempty"` // path; default: the certificate of the host
	TLSKey         string   `json:"tls_key,omitempty"`
	Allow          []string `json:"allow,omitempty"`     // networks; default: all
	Advertise      string   `json:"advertise,omitempty"` // [ADDRESS]:PORT

	Users        []User `json:"users,omitempty"`         // all users; default: those that the BMC has
	Kg           string `json:"kg,omitempty"`            // BMC key; default: none
	KgFile       string `json:"kg_file,omitempty"`       // file with the key
	KeepKg       bool   `json:"keep_kg,omitempty"`       // the BMC has a key, and keeps it
	CipherSuites []int  `json:"cipher_suites,omitempty"` // default: 3 and 17

	Inband     string   `json:"inband,omitempty"`     // privilege of the guest; default: off
	MediaURLs  []string `json:"media_urls,omitempty"` // default: all
	MediaLocal bool     `json:"media_local,omitempty"`

	RunAs         string            `json:"run_as,omitempty"`         // USER[:GROUP]; default: root
	Timeouts      map[string]string `json:"timeouts,omitempty"`       // by name, such as 5m
	ConsoleLog    string            `json:"console_log,omitempty"`    // watched (default) or always
	ConsoleReplay string            `json:"console_replay,omitempty"` // yes (default) or no

	Manufacturer string `json:"manufacturer,omitempty"`
	Product      string `json:"product,omitempty"`
	Serial       string `json:"serial,omitempty"`
	Asset        string `json:"asset,omitempty"`
	UUID         string `json:"uuid,omitempty"`
	Comment      string `json:"comment,omitempty"`

	// MachineState is what the BMC remembers: event log, boot override and the like, as package
	// bmc encodes it. Only a BMC that is new gets it.
	MachineState any `json:"machine_state,omitempty"`

	placed
}

// A State says whether a BMC runs, or whether it exists at all.
type State string

// The states of a BMC.
const (
	Started State = "started" // it listens, now and after each boot of the host
	Stopped State = "stopped" // neither
	Present State = "present" // others decide, such as Pacemaker
	Absent  State = "absent"
)

// A User is one user of a BMC.
type User struct {
	Name      string `json:"name"`
	ID        int    `json:"id,omitempty"` // default: that of the user with the same name, or the lowest free one
	Privilege string `json:"privilege"`
	// Password in clear. If it is left out, and so is PasswordFile, the user keeps its password.
	// An empty text means that the user has none.
	Password     *string `json:"password,omitempty"`
	PasswordFile string  `json:"password_file,omitempty"`
	Enabled      *bool   `json:"enabled,omitempty"`   // default: true
	Messaging    *bool   `json:"messaging,omitempty"` // IPMI messaging; default: true
	Console      *bool   `json:"console,omitempty"`   // the user may open the serial console; default: true

	placed
}

// HasSecrets reports whether the document has a password or a BMC key in clear.
func (f File) HasSecrets() bool {
	hasPassword := func(u User) bool { return u.Password != nil && *u.Password != "" }
	return slices.ContainsFunc(f.BMCs, func(b BMC) bool { return b.Kg != "" || slices.ContainsFunc(b.Users, hasPassword) })
}
