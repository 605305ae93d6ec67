package migrate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/maruel/natural"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

// A Domain is a domain of libvirt.
type Domain struct{ Name, UUID string }

// sushyPrefix begins the names of all settings of sushy-tools.
const sushyPrefix = "SUSHY_EMULATOR_"

// The settings of sushy-tools that matter. The value must be a literal.
var sushySettings = map[string]bool{
	"LISTEN_IP": true, "LISTEN_PORT": true, "SSL_CERT": true, "SSL_KEY": true, "AUTH_FILE": true,
	"LIBVIRT_URI": true, "ALLOWED_INSTANCES": true, "FAKE_DRIVER": true, "FAKE_SYSTEMS": true,
	"OS_CLOUD": true, "IRONIC_CLOUD": true,
}

// sushyNotes are notes on settings that are lost, if they are set.
var sushyNotes = map[string]string{
	"IGNORE_BOOT_DEVICE": "left behind, clients set the boot device",
	"BOOT_LOADER_MAP":    "left behind, the definition of the domain decides about the firmware",
}

const defaultSushyPort = 8000

// readSushy returns the BMCs of a configuration file of sushy-tools. That program serves all
// machines at one port, as the gateway does. domains lists the domains of a URI of libvirt.
func readSushy(ctx context.Context, path string, domains func(ctx context.Context, uri string) ([]Domain, error)) ([]BMC, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	values, err := pythonValues(string(text), sushyPrefix, sushySettings)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%s: want a directory, or a configuration file of sushy-tools, which sets variables that begin with %s", path, sushyPrefix)
	}
	s := sushy{values: values, dir: filepath.Dir(path)}
	all, err := s.machines(ctx, domains)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := s.complete(all); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// A sushy is the settings of sushy-tools, without their prefix.
type sushy struct {
	values map[string]any
	dir    string // of the file
}

// text returns a setting that is a text. Environment variables made some numbers texts.
func (s sushy) text(name string) string {
	switch value := s.values[name].(type) {
	case string:
		return value
	case int:
		return strconv.Itoa(value)
	default:
		return ""
	}
}

// machines returns the machines of the driver that the settings choose, sorted by name.
func (s sushy) machines(ctx context.Context, domains func(context.Context, string) ([]Domain, error)) (all []BMC, err error) {
	for _, cloud := range []string{"OS_CLOUD", "IRONIC_CLOUD"} {
		if s.text(cloud) != "" {
			err := fmt.Errorf("%s%s: instances of a cloud are not imported", sushyPrefix, cloud)
			return nil, hint.Add(err, `"shipmi providers openstack" explains how to add them`)
		}
	}
	if fake, _ := s.values["FAKE_DRIVER"].(bool); fake {
		all, err = s.fakes()
	} else {
		all, err = s.libvirt(ctx, domains)
	}
	slices.SortStableFunc(all, func(a, b BMC) int { return natural.Compare(a.Name, b.Name) })
	return all, err
}

// fakes returns the machines of the fake driver.
func (s sushy) fakes() (all []BMC, err error) {
	systems, _ := s.values["FAKE_SYSTEMS"].([]any)
	if systems == nil {
		return nil, fmt.Errorf("%sFAKE_SYSTEMS: want a list of machines", sushyPrefix)
	}
	for _, system := range systems {
		fields, _ := system.(map[string]any)
		name, _ := fields["name"].(string)
		uuid, _ := fields["uuid"].(string)
		b := newSushy(name, uuid, "dummy")
		all = append(all, b)
	}
	return all, nil
}

// libvirt returns the domains of libvirt that clients may see.
func (s sushy) libvirt(ctx context.Context, domains func(context.Context, string) ([]Domain, error)) (all []BMC, err error) {
	uri := s.text("LIBVIRT_URI")
	if uri == "" {
		uri = "qemu:///system"
	}
	found, err := domains(ctx, uri)
	if err != nil {
		return nil, err
	}
	allowed, err := s.allowed()
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		if allowed != nil && !slices.Contains(allowed, d.Name) && !slices.Contains(allowed, d.UUID) {
			continue
		}
		b := newSushy(d.Name, d.UUID, "libvirt")
		b.Parameters = map[string]string{"domain": d.Name, "uri": uri}
		all = append(all, b)
	}
	for _, identity := range allowed {
		known := func(d Domain) bool { return d.Name == identity || d.UUID == identity }
		if !slices.ContainsFunc(found, known) {
			all = append(all, BMC{Directory: identity, Name: identity, Err: fmt.Errorf("%s has no domain %q", uri, identity)})
		}
	}
	return all, nil
}

// allowed returns the names and UUIDs to which clients are limited, or nil for all.
func (s sushy) allowed() (allowed []string, err error) {
	value, limited := s.values["ALLOWED_INSTANCES"]
	if !limited {
		return nil, nil
	}
	list, isList := value.([]any)
	if text, isText := value.(string); isText { // in which sushy-tools looks for a part
		for identity := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
			list = append(list, identity)
		}
		isList = true
	}
	allowed = []string{}
	for _, item := range list {
		identity, isText := item.(string)
		isList = isList && isText
		allowed = append(allowed, identity)
	}
	if !isList {
		return nil, fmt.Errorf("%sALLOWED_INSTANCES: want a list of names and UUIDs", sushyPrefix)
	}
	return allowed, nil
}

// newSushy returns a machine with a name that a BMC can have.
func newSushy(name, uuid, provider string) BMC {
	b := BMC{Directory: name, Name: fileName(name), Provider: provider, Parameters: map[string]string{}, Active: true}
	if b.Name != name {
		b.Notes = append(b.Notes, fmt.Sprintf("%q is no name for a BMC", name))
	}
	b.SystemUUID, b.Err = instance.ParseUUID(uuid)
	if b.Name == "" {
		b.Err = errors.New("it has no name")
	}
	return b
}

// complete sets what all machines have in common.
func (s sushy) complete(all []BMC) error {
	address, isSet := s.values["LISTEN_IP"]
	switch {
	case !isSet, address == nil:
		address = "127.0.0.1"
	case address == "":
		address = "0.0.0.0"
	}
	port := s.text("LISTEN_PORT")
	if port == "" {
		port = strconv.Itoa(defaultSushyPort)
	}
	at, err := listen(fmt.Sprint(address), port)
	if err != nil {
		return fmt.Errorf("%sLISTEN_...: %w", sushyPrefix, err)
	}
	user, notes, err := s.users()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(sushyNotes)) {
		if value := s.values[name]; value != nil && value != false {
			notes = append(notes, sushyPrefix+name+": "+sushyNotes[name])
		}
	}
	if s.text("SSL_CERT") == "" {
		notes = append(notes, "clients must use https now, not http")
	}
	for i := range all {
		b := &all[i]
		b.Redfish, b.Gateway = at, true
		b.Username, b.Password = user, instance.Hide(settings.GeneratePassword())
		b.Notes = append(b.Notes, notes...)
		b.Certificate = units.Certificate{Cert: s.file("SSL_CERT"), Key: s.file("SSL_KEY")}
	}
	return nil
}

// file returns the path in a setting, or "".
func (s sushy) file(name string) string {
	path := s.text(name)
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.dir, path)
}

// users returns the first user of the password file, and notes on what becomes of the users.
func (s sushy) users() (first string, notes []string, err error) {
	const reset = `set one with "shipmi user passwd"`
	path := s.file("AUTH_FILE")
	if path == "" {
		return "admin", []string{"it had no users: the password of admin is random, " + reset}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", nil, fmt.Errorf("%sAUTH_FILE: %w", sushyPrefix, err)
	}
	for line := range strings.Lines(string(text)) {
		name, _, isUser := strings.Cut(strings.TrimSpace(line), ":")
		switch {
		case !isUser:
		case first == "" && instance.CheckUserName(name) == nil:
			first = name
		default:
			notes = append(notes, fmt.Sprintf(`user %q: left behind, "shipmi user add" adds others`, name))
		}
	}
	if first == "" {
		first = "admin"
	}
	note := sushyPrefix + "AUTH_FILE: it has hashes, and ShIPMI needs passwords: that of " + first + " is random, " + reset
	return first, append([]string{note}, notes...), nil
}
