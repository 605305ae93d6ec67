package units

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/coreos/go-systemd/v22/unit"

	"github.com/shipmi/shipmi/internal/instance"
)

// The sections and settings that ShIPMI writes and reads. systemd ignores a
// section whose name begins with X-.
const (
	unitSection    = "Unit"
	wantsSetting   = "Wants"
	socketSection  = "Socket"
	udpSetting     = "ListenDatagram"
	tcpSetting     = "ListenStream"
	linkSetting    = "Symlinks"
	serviceSection = "Service"
	envSetting     = "Environment"
	credSetting    = "LoadCredential"
	credentialID   = "users" // the name of the credentials in the credential directory of the process
	envFileSetting = "EnvironmentFile"
	ownSection     = "X-ShIPMI" // only read, see readComment
	commentSetting = "Comment"
)

const dropInHeader = `# Written by "shipmi add" and "shipmi set". Settings that you add here are kept, comments
# are not. Changes take effect after "systemctl daemon-reload".
`

// A dropIn is the drop-in that ShIPMI writes for one unit.
type dropIn struct {
	unit    string
	options []*unit.UnitOption
}

func (d dropIn) equal(other dropIn) bool {
	return slices.EqualFunc(d.options, other.options, (*unit.UnitOption).Match)
}

// dropIns returns the drop-ins of the service and of the socket of a BMC.
func (s Store) dropIns(b BMC) ([]dropIn, error) {
	dropIns := []dropIn{
		{ServiceUnit(b.Name), append(s.serviceOptions(b), s.sliceOption(serviceSection, b.Name))},
		{SocketUnit(b.Name), append(b.socketOptions(), s.sliceOption(socketSection, b.Name))},
	}
	for _, d := range dropIns {
		if err := escape(d.options); err != nil {
			return nil, err
		}
	}
	return dropIns, nil
}

func (b BMC) socketOptions() []*unit.UnitOption {
	var options []*unit.UnitOption
	if b.Console.LogAlways {
		// The process runs as long as systemd listens, not only from the first packet on.
		options = append(options, unit.NewUnitOption(unitSection, wantsSetting, ServiceUnit("%i")))
	}
	if b.Inband != 0 {
		options = append(options, unit.NewUnitOption(unitSection, wantsSetting, InbandUnit("%i")))
	}
	for _, addr := range b.Listen {
		options = append(options, unit.NewUnitOption(socketSection, udpSetting, formatListen(addr)))
	}
	for _, addr := range b.Redfish {
		options = append(options, unit.NewUnitOption(socketSection, tcpSetting, formatListen(addr)))
	}
	if b.Gateway {
		options = append(options, unit.NewUnitOption(socketSection, tcpSetting, gatewayDir+"%i"))
		if b.SystemUUID != "" {
			options = append(options, unit.NewUnitOption(socketSection, linkSetting, gatewayDir+".uuid-"+b.SystemUUID))
		}
	}
	return append(options, filterOptions(b.Allow)...)
}

// credentialOption is the same for all BMCs, so that a BMC whose drop-ins were copied by hand
// has the credentials of its own name.
func (s Store) credentialOption() *unit.UnitOption {
	dir := strings.ReplaceAll(s.credentialsDir(), "%", "%%")
	return unit.NewUnitOption(serviceSection, credSetting, credentialID+":"+filepath.Join(dir, "%i"))
}

// formerOptions are those that only older versions wrote.
func (s Store) formerOptions(name string) []*unit.UnitOption {
	path := strings.ReplaceAll(s.CredentialPath(name), "%", "%%")
	return []*unit.UnitOption{
		unit.NewUnitOption(serviceSection, credSetting, credentialID+":"+path),
		unit.NewUnitOption(ownSection, commentSetting, ""),
	}
}

func (s Store) serviceOptions(b BMC) []*unit.UnitOption {
	var options []*unit.UnitOption
	for _, variable := range b.Environ() {
		options = append(options, unit.NewUnitOption(serviceSection, envSetting, quote(variable)))
	}
	options = append(options, s.credentialOption())
	if b.Redfish != nil {
		options = append(options, s.CertificateOf(b).options()...)
	}
	return append(options, b.RunAs.options()...)
}

// maxLine is the length of the longest line that the package unit reads again, in bytes.
const maxLine = 2047

// escape refuses line breaks, which would begin a new setting, and lines that are too long. It
// escapes %, which begins a specifier. unit.Serialize does not do this.
func escape(options []*unit.UnitOption) error {
	for _, o := range options {
		if err := instance.CheckText(o.Value); err != nil {
			return fmt.Errorf("%s=%q %w", o.Name, o.Value, err)
		}
		if o.Name != credSetting && o.Name != wantsSetting && !strings.HasPrefix(o.Value, gatewayDir) {
			o.Value = strings.ReplaceAll(o.Value, "%", "%%")
		}
		if length := len(o.Name + "=" + o.Value); length > maxLine {
			return fmt.Errorf("%s=%.60q… has %d bytes, the maximum is %d", o.Name, o.Value, length, maxLine)
		}
	}
	return nil
}

func (s Store) render(d dropIn) (file, error) {
	body, err := io.ReadAll(unit.Serialize(d.options))
	return file{path: s.dropInPath(d.unit), text: append([]byte(dropInHeader), body...), mode: 0o644}, err
}

// A setting is one line of a drop-in, with the path of the file.
type setting struct {
	*unit.UnitOption
	file string
}

// settings returns the settings in the drop-ins of a unit, in the order in which systemd
// applies them.
func (p loadPath) settings(unit string) ([]setting, error) {
	paths, err := p.dropIns(unit)
	if err != nil {
		return nil, err
	}
	var all []setting
	for _, path := range paths {
		options, err := readDropIn(path)
		if errors.Is(err, fs.ErrNotExist) {
			if target, err := os.Readlink(path); err == nil && filepath.Base(path) == sandboxName {
				return nil, fmt.Errorf("%w: %s is a link to %s, which does not exist", ErrNoSandbox, path, target)
			}
			continue // systemd ignores such a link
		}
		if err != nil {
			return nil, err
		}
		for _, option := range options {
			all = append(all, setting{option, path})
		}
	}
	return all, nil
}

func readDropIn(path string) ([]*unit.UnitOption, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	options, err := unit.DeserializeOptions(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, o := range options {
		if !utf8.ValidString(o.Name + o.Value) { // systemd does not read the rest of such a file
			return nil, fmt.Errorf("%s: %s=%q is not valid UTF-8", path, o.Name, o.Value)
		}
	}
	return options, nil
}

// pick returns the settings with one name. As in systemd, an empty value removes the values
// before it.
func pick(settings []setting, section, name string) []setting {
	var picked []setting
	for _, s := range settings {
		switch {
		case s.Section != section || s.Name != name:
		case s.Value == "":
			picked = nil
		default:
			picked = append(picked, s)
		}
	}
	return picked
}

// listens returns the addresses to listen on. An empty value removes those of every kind
// before it, not only its own kind (systemd.socket(5)).
func listens(settings []setting) (picked []setting) {
	for _, s := range settings {
		switch {
		case s.Section != socketSection || s.Name != udpSetting && s.Name != tcpSetting:
		case s.Value == "":
			picked = nil
		default:
			picked = append(picked, s)
		}
	}
	return picked
}

// readSocket fills in the settings from the drop-ins of the socket.
func (b *BMC) readSocket(p loadPath) error {
	settings, err := p.settings(SocketUnit(b.Name))
	if err != nil {
		return err
	}
	for _, s := range listens(settings) {
		if s.Name == tcpSetting && p.expand(SocketUnit(b.Name), s.Value) == p.expand(SocketUnit(b.Name), gatewayDir+"%i") {
			b.Gateway = true
			continue
		}
		addr, err := parseListen(p.expand(SocketUnit(b.Name), s.Value))
		if err != nil {
			return fmt.Errorf("%s: %s=%w", s.file, s.Name, err)
		}
		if s.Name == tcpSetting {
			b.Redfish = append(b.Redfish, addr)
		} else {
			b.Listen = append(b.Listen, addr)
		}
	}
	if b.Endpoints() == nil && !b.Gateway {
		return fmt.Errorf("%s: no %s= and no %s= in any drop-in", SocketUnit(b.Name), udpSetting, tcpSetting)
	}
	b.Allow = allowed(settings)
	b.Comment, err = p.readComment(b.Name, settings)
	return err
}

// readService fills in the settings from the drop-ins of the service. Variables in files
// override those of Environment=, as in systemd.
func (b *BMC) readService(p loadPath) error {
	service := ServiceUnit(b.Name)
	settings, err := p.settings(service)
	if err != nil {
		return err
	}
	variables := []string{"SHIPMI_NAME=" + b.Name}
	var files, unreadable []string
	for _, s := range pick(settings, serviceSection, envSetting) {
		words, err := splitWords(p.expand(service, s.Value))
		if err != nil {
			return fmt.Errorf("%s: %s=%q: %w", s.file, envSetting, s.Value, err)
		}
		variables = append(variables, words...)
		files = append(files, s.file)
	}
	for _, s := range pick(settings, serviceSection, envFileSetting) {
		pattern := filepath.Join(p.root, strings.TrimPrefix(p.expand(service, s.Value), "-"))
		found, err := filepath.Glob(pattern)
		if err != nil {
			return fmt.Errorf("%s: %s=%q: %w", s.file, envFileSetting, s.Value, err)
		}
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err != nil { // it may be for root only, and contain nothing but secrets of scripts
				unreadable = append(unreadable, err.Error())
				continue
			}
			variables = append(variables, parseEnvFile(string(text))...)
			files = append(files, path)
		}
	}
	if files == nil && unreadable == nil {
		return fmt.Errorf("%s: no %s= in any drop-in", service, envSetting)
	}
	b.RunAs = account(settings)
	if b.Redfish != nil {
		if b.Certificate, err = p.certificate(service, settings); err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
	}
	b.Instance, err = instance.FromEnv(variables)
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(append(slices.Compact(files), unreadable...), ", "), err)
	}
	return nil
}
