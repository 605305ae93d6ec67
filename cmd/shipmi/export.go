package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/manifest"
	"github.com/shipmi/shipmi/internal/units"
)

// An export is what the flags of "export" ask for.
type export struct {
	format        string
	showPasswords bool
	passwordDir   string
	state         bool
}

func (a *app) exportCommand() *cobra.Command {
	var e export
	cmd := &cobra.Command{
		Use:        "export [NAME...]",
		SuggestFor: []string{"dump", "backup"},
		Short:      `Print BMCs as a file for "shipmi apply"`,
		Long: `Print all BMCs, or those that are named, as a YAML file for "shipmi apply": their settings
and users, and whether they start at boot. The file has no passwords and no BMC keys. With
such a file, "shipmi apply" can change a BMC, whose passwords and key stay as they are, and
cannot add a BMC. With --password-dir, passwords and keys are in files in a directory, which
the file names. With --show-passwords, they are in the file.

Without NAME, the file has the settings of the gateway, too.

With --state, the file also says what the BMCs remember: event log, boot override, power
restore policy, configuration of the console and the like. A BMC that "shipmi apply" adds
remembers the same. Sessions are not in the file, and a warning says how many are open.

Providers and certificates are files that you have to copy. So are drop-ins that you wrote,
and settings that you added to the drop-ins of a BMC. A warning names each of these files.`,
		Example: `  shipmi export >fleet.yml
  shipmi export 'rack-3-*' --password-dir secrets >rack-3.yml
  shipmi export --state --show-passwords | ssh new sudo shipmi apply -f -`,
		Args:              checkPatterns,
		ValidArgsFunction: a.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if e.format != "yaml" && e.format != "json" {
				return hint.Misuse(errors.New("want -o yaml or -o json"))
			}
			bmcs, err := a.allOr(args)
			if err != nil {
				return err
			}
			states, err := a.states(cmd.Context(), sockets(bmcs))
			if err != nil {
				return err
			}
			var gateway units.Gateway
			if len(args) == 0 {
				if gateway, err = a.store.Gateway(); err != nil {
					return err
				}
			}
			return a.export(e, gateway, bmcs, states)
		},
	}
	cmd.Flags().StringVarP(&e.format, "output", "o", "yaml", "output `format`: yaml, json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"yaml", "json"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().BoolVar(&e.showPasswords, "show-passwords", false, "print passwords and BMC keys in clear")
	cmd.Flags().StringVar(&e.passwordDir, "password-dir", "", "write passwords and BMC keys to files in this new `directory`")
	_ = cmd.MarkFlagDirname("password-dir")
	cmd.MarkFlagsMutuallyExclusive("show-passwords", "password-dir")
	cmd.Flags().BoolVar(&e.state, "state", false, "print what the BMCs remember, too")
	return cmd
}

// export prints the gateway and BMCs. states are those of the sockets of the BMCs.
func (a *app) export(e export, gateway units.Gateway, bmcs []units.BMC, states map[string]string) error {
	if err := checkFiles(bmcs); err != nil {
		return err
	}
	enabled, err := a.store.Enabled()
	if err != nil {
		return err
	}
	if err := a.warnByHand(gateway, bmcs); err != nil {
		return err
	}
	if e.passwordDir != "" {
		if err := os.Mkdir(e.passwordDir, 0o700); err != nil {
			return err
		}
	}
	file := manifest.File{Version: manifest.Version, Gateway: manifest.OfGateway(gateway), BMCs: []manifest.BMC{}}
	for _, b := range bmcs {
		state := manifest.Stopped
		switch {
		case enabled[b.Name]:
			state = manifest.Started
		case states[units.SocketUnit(b.Name)] == "active":
			state = manifest.Present
		}
		m, err := a.exportOne(e, b, state)
		if err != nil {
			return fmt.Errorf("%s: %w", b.Name, err)
		}
		file.BMCs = append(file.BMCs, m)
	}
	if e.format == "json" {
		return file.WriteJSON(a.Stdout)
	}
	return file.Write(a.Stdout)
}

func (a *app) exportOne(e export, b units.BMC, state manifest.State) (m manifest.BMC, err error) {
	c, err := a.store.Credentials(b.Name)
	if err != nil {
		return m, err
	}
	m = manifest.Of(b, c, state)
	switch {
	case e.showPasswords:
		m.ShowSecrets(c)
	case e.passwordDir != "":
		err = m.WriteSecrets(c, func(name string, secret instance.Secret) (string, error) {
			path := filepath.Join(e.passwordDir, name)
			return path, os.WriteFile(path, []byte(secret.Reveal()+"\n"), 0o600)
		})
		if err != nil {
			return m, err
		}
	}
	if e.state {
		err = a.exportState(&m, b)
	}
	return m, err
}

// warnByHand names what an administrator wrote for the gateway and for BMCs. An export does not
// contain it.
func (a *app) warnByHand(gateway units.Gateway, bmcs []units.BMC) error {
	byHand, err := a.store.ByHand()
	if err != nil {
		return err
	}
	shared, err := byHand.Shared()
	if err != nil {
		return err
	}
	for _, path := range shared {
		a.Warn("copy this file, too, which you wrote for all BMCs: %s", path)
	}
	warn := func(name string, units, added []string, err error) error {
		files, failure := byHand.Files(units)
		for _, path := range files {
			a.Warn("%s: copy this file, too, which you wrote: %s", name, path)
		}
		for _, path := range added {
			a.Warn("%s: copy the settings, too, that you added to %s", name, path)
		}
		return errors.Join(err, failure)
	}
	if gateway.Listen != nil {
		added, err := byHand.AddedToGateway(gateway)
		if err := warn(units.GatewayName, gatewayUnits, added, err); err != nil {
			return err
		}
	}
	for _, b := range bmcs {
		added, err := byHand.Added(b)
		if err := warn(b.Name, units.Units(b.Name), added, err); err != nil {
			return err
		}
	}
	return nil
}

// exportState adds what a BMC remembers.
func (a *app) exportState(m *manifest.BMC, b units.BMC) error {
	open, err := a.openSessions(b)
	if err != nil {
		return err
	}
	if len(open) > 0 {
		a.Warn("%s: sessions that are open and end when the BMC moves: %d", b.Name, len(open))
	}
	for _, dir := range a.store.StateDirs(b.Name) {
		state, err := stateFile(dir).Load()
		if err != nil {
			return err
		}
		if reflect.ValueOf(state).IsZero() {
			continue
		}
		text, err := bmc.Encode(state)
		if err != nil {
			return err
		}
		m.SetMachineState(text)
		return nil
	}
	return nil
}
