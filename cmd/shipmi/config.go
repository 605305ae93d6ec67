package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"gopkg.in/ini.v1"

	"github.com/shipmi/shipmi/internal/instance"
)

// A config is the configuration file.
type config struct {
	showPasswords bool   // whether "shipmi show" does
	provider      string // of BMCs that are added without --provider
	timeouts      instance.Timeouts
	cipherSuites  []byte
}

// ignoredKeys are those of the predecessor for which there is nothing left to
// configure.
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

// loadConfig reads the configuration file, if there is one.
func (a *app) loadConfig() (config, error) {
	def := instance.Default()
	c := config{timeouts: def.Timeouts, cipherSuites: def.CipherSuites}
	path, err := a.configPath()
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

// configPath returns the first place that has a configuration file, or "". A file
// that $SHIPMI_CONFIG names must be there.
func (a *app) configPath() (string, error) {
	if path := a.getenv("SHIPMI_CONFIG"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("SHIPMI_CONFIG: %w", err)
		}
		return path, nil
	}
	for _, dir := range a.configDirs() {
		path := filepath.Join(dir, "daemon.conf")
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
	}
	return "", nil
}

// configDirs are where the configuration file and providers may be, the one that
// counts most first.
func (a *app) configDirs() []string {
	if home := a.getenv("HOME"); home != "" {
		return slices.Concat([]string{filepath.Join(home, ".shipmi")}, a.config)
	}
	return a.config
}

func (c *config) set(section string, key *ini.Key) (err error) {
	name := section + "." + key.Name()
	switch {
	case name == "default.show_passwords":
		c.showPasswords, err = key.Bool()
	case name == "default.provider":
		c.provider = key.Value()
	case name == "ipmi.cipher_suites":
		c.cipherSuites, err = instance.ParseCipherSuites(key.Value())
	case section == "timeouts":
		err = c.timeouts.Set(key.Name(), key.Value())
	case !ignoredKeys[name]:
		err = errors.New("unknown key")
	}
	return err
}
