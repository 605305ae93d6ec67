package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gopkg.in/ini.v1"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/media"
)

// A Config is the configuration file, daemon.conf.
type Config struct {
	ShowPasswords bool   // of "shipmi show"
	Provider      string // of BMCs that are added without --provider
	Timeouts      instance.Timeouts
	CipherSuites  []byte
	Media         media.Rule
}

// ignoredKeys are the keys of ShIPMI in Python that configure something that no longer
// exists.
var ignoredKeys = map[string]bool{
	"default.config_dir":              true,
	"default.pid_file":                true,
	"default.server_port":             true,
	"default.server_response_timeout": true,
	"default.server_spawn_wait":       true,
	"ipmi.session_timeout":            true,
	"log.debug":                       true,
	"log.logfile":                     true,
}

// LoadConfig reads the configuration file, if there is one.
func (h Host) LoadConfig() (Config, error) {
	def := instance.Default()
	c := Config{Timeouts: def.Timeouts, CipherSuites: def.CipherSuites}
	path, err := h.configPath()
	if path == "" || err != nil {
		return c, err
	}
	options := ini.LoadOptions{IgnoreInlineComment: true, IgnoreContinuation: true, InsensitiveKeys: true}
	file, err := ini.LoadSources(options, path)
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	for _, section := range file.Sections() {
		for _, key := range section.Keys() {
			if err := c.set(section.Name(), key); err != nil {
				return c, fmt.Errorf("%s: [%s] %s: %w", path, section.Name(), key.Name(), err)
			}
		}
	}
	return c, nil
}

// configPath returns the first configuration file that there is, or "". The file that
// $SHIPMI_CONFIG names must exist.
func (h Host) configPath() (string, error) {
	if path := h.Getenv("SHIPMI_CONFIG"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("SHIPMI_CONFIG: %w", err)
		}
		return path, nil
	}
	for _, dir := range h.configDirs() {
		path := filepath.Join(dir, "daemon.conf")
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
	}
	return "", nil
}

func (c *Config) set(section string, key *ini.Key) (err error) {
	name := section + "." + key.Name()
	switch {
	case name == "default.show_passwords":
		c.ShowPasswords, err = key.Bool()
	case name == "default.provider":
		c.Provider = key.Value()
	case name == "default.media_urls":
		c.Media.URLs, err = media.ParsePrefixes(key.Value())
	case name == "default.media_local":
		c.Media.Local, err = key.Bool()
	case name == "ipmi.cipher_suites":
		c.CipherSuites, err = instance.ParseCipherSuites(key.Value())
	case section == "timeouts":
		err = c.Timeouts.Set(key.Name(), key.Value())
	case !ignoredKeys[name]:
		err = errors.New("unknown key")
	}
	return err
}
