package main

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/settings"
)

// completeFlags makes shells propose values for the flags of "add" and "set".
func (a *app) completeFlags(cmd *cobra.Command) {
	var timeouts []cobra.Completion
	for name, value := range instance.Default().Timeouts.All() {
		timeouts = append(timeouts, cobra.CompletionWithDesc(name+"=", "default "+instance.FormatTimeout(value)))
	}
	for flag, complete := range map[string]cobra.CompletionFunc{
		"address":        completeAddress,
		"run-as":         completeAccount,
		"set":            a.completeParameter,
		"timeout":        cobra.FixedCompletions(timeouts, cobra.ShellCompDirectiveNoSpace|cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder),
		"console-log":    cobra.FixedCompletions([]cobra.Completion{"watched", "always"}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder),
		"console-replay": cobra.FixedCompletions([]cobra.Completion{"yes", "no"}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder),
		"media-local":    cobra.FixedCompletions([]cobra.Completion{"yes", "no"}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder),
		"cipher-suites":  cobra.FixedCompletions([]cobra.Completion{"17", "3"}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder),
		"redfish": cobra.FixedCompletions([]cobra.Completion{
			cobra.CompletionWithDesc("443", "as without a port"), cobra.CompletionWithDesc("8443+", "counted from 8443"), cobra.CompletionWithDesc("none", "no Redfish"),
		}, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder),
		"uuid": cobra.NoFileCompletions,
	} {
		_ = cmd.RegisterFlagCompletionFunc(flag, complete)
	}
}

// completeParameter proposes parameters of the provider: the one of --provider, else the
// one that the argument names, or the one of the BMC that the argument names.
func (a *app) completeParameter(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	name := ""
	if flag := cmd.Flag("provider"); flag != nil {
		name = flag.Value.String()
	}
	if name == "" && len(args) > 0 {
		if names, _ := a.store.Names(); slices.Contains(names, args[0]) {
			bmcs, err := a.store.Find(args[0])
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			name = bmcs[0].Provider
		} else if cmd.Flag("provider") == nil {
			name = args[0]
		}
	}
	return a.host.CompleteParameter(name)
}

// completeAddress proposes the addresses of this host, and those that mean all of them.
func completeAddress(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	all := []cobra.Completion{
		cobra.CompletionWithDesc("::", "every address"), cobra.CompletionWithDesc("0.0.0.0", "every address of IPv4"),
	}
	for _, addr := range addrs {
		if network, ok := addr.(*net.IPNet); ok && (!network.IP.IsLinkLocalUnicast() || network.IP.To4() != nil) {
			all = append(all, network.IP.String())
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

// completeAccount proposes the users of this host except root.
func completeAccount(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names, err := settings.Accounts(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeHost proposes the hosts that ~/.ssh/config names without a pattern.
func (a *app) completeHost(*cobra.Command, []string, string) (hosts []cobra.Completion, _ cobra.ShellCompDirective) {
	file, err := os.Open(filepath.Join(a.Getenv("HOME"), ".ssh/config"))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		words := strings.Fields(strings.Replace(lines.Text(), "=", " ", 1))
		if len(words) == 0 || !strings.EqualFold(words[0], "Host") {
			continue
		}
		for _, host := range words[1:] {
			if !strings.ContainsAny(host, "*?!") {
				hosts = append(hosts, host)
			}
		}
	}
	return hosts, cobra.ShellCompDirectiveNoFileComp
}
