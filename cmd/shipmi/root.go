// Command shipmi adds, deletes, starts, stops and shows the BMCs of this host, and manages
// their users. A BMC is a pair of systemd units with drop-ins: this command writes the
// drop-ins and lets systemd do the rest. No part of it keeps running. It does not serve
// IPMI: shipmi-bmc does, which systemd starts. Only "console" speaks IPMI, as a client. There
// is one file for each verb. Start reading at run, then at a verb, such as start.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/systemd"
	"github.com/shipmi/shipmi/internal/terminal"
	"github.com/shipmi/shipmi/internal/units"
)

// version is set by the linker.
var version = "unknown"

// The exit statuses.
const (
	exitOK    = 0
	exitError = 1 // the command failed
	exitUsage = 2 // the command line is wrong

	exitInterrupted = 130 // as in shells
)

// An app is the command with everything that it takes from outside.
type app struct {
	terminal.Terminal
	store       units.Store
	host        settings.Host
	connect     func(context.Context) (serviceManager, error)
	connectUser func(context.Context) (serviceManager, error) // replaces connect with --user
	procDir     string                                        // where proc(5) is mounted
	lingerDir   string                                        // of logind
	ping        func(context.Context, units.Endpoint) error

	remoteHost string // --host
	remoteSudo bool   // --sudo
	userError  error  // why --user does not work
}

// A serviceManager is the part of systemd.Manager that the commands use.
type serviceManager interface {
	Reload(ctx context.Context) error
	Enable(ctx context.Context, units []string) error
	Disable(ctx context.Context, units []string) error
	States(ctx context.Context, units []string) (map[string]string, error)
	Start(ctx context.Context, sockets []string) map[string]error
	Stop(ctx context.Context, units []string) map[string]error
	Conditions(ctx context.Context, units []string) (map[string]systemd.Condition, error)
	NeedReload(ctx context.Context, units []string, changedSince func(time.Time) (changed []string, gone bool, err error)) (bool, error)
	Executions(ctx context.Context, services []string) (map[string]systemd.Execution, error)
	Programs(ctx context.Context, services []string) (map[string]string, error)
	Processes(ctx context.Context, services []string) (map[string]systemd.Process, error)
	CheckFilter(ctx context.Context, unit string) error
	Restart(ctx context.Context, units []string) map[string]error
	TryRestart(ctx context.Context, units []string) map[string]error
	Close()
}

// rootCommand returns the tree of all commands.
func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "shipmi",
		Short: "Manage virtual BMCs that run shell scripts on IPMI commands",
		Long: `ShIPMI makes everything that a shell script can switch look like a server with a BMC:
with IPMI over LAN, Redfish and a serial console. systemd listens for each BMC, and starts
its process when a packet arrives.

"shipmi help topics" lists the pages of the documentation that "shipmi help" prints.`,
		Example: `  shipmi add node-0 --provider dummy
  shipmi start node-0
  ipmitool -I lanplus -U admin -P password -H 127.0.0.1 power on
  shipmi list`,
		Version:       version,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.DisableSuggestions = true // misunderstood makes them, as hints
	root.PersistentFlags().BoolFunc("user", "manage the BMCs of the calling user, in the user's own systemd", func(string) error {
		a.manageUser()
		return nil
	})
	root.PersistentFlags().StringVarP(&a.remoteHost, "host", "H", "", "run the command on another `host`, over ssh; [USER@]HOST as for ssh")
	root.PersistentFlags().BoolVar(&a.remoteSudo, "sudo", false, "with --host, run the command with sudo there")
	_ = root.RegisterFlagCompletionFunc("host", a.completeHost)
	root.PersistentFlags().BoolP("help", "h", false, "explain a command, with examples")
	root.Flags().BoolP("version", "v", false, "print the version")
	addGroup(root, "Settings of BMCs", a.addCommand(), a.setCommand(), a.copyCommand(), a.renameCommand(), a.deleteCommand(), a.applyCommand(), a.exportCommand(), a.importCommand())
	addGroup(root, "Users of BMCs", a.userCommand(), a.kgCommand())
	addGroup(root, "Start and stop", a.startCommand(), a.stopCommand(), a.restartCommand(), a.enableCommand(), a.disableCommand())
	addGroup(root, "See what there is and what happens", a.listCommand(), a.showCommand(), a.statusCommand(), a.logsCommand(), a.eventsCommand(), a.eventCommand(), a.metricsCommand(), a.consoleCommand(), a.inbandCommand())
	addGroup(root, "One address for many BMCs", a.gatewayCommand())
	addGroup(root, "Find faults", a.checkCommand(), a.doctorCommand(), a.providersCommand())
	root.AddCommand(a.versionCommand(), a.checkScriptsCommand(), a.referenceCommand(), a.restorePowerCommand())
	a.addHelpCommand(root)
	return root
}

// addGroup adds commands below a title in the help of cmd.
func addGroup(cmd *cobra.Command, title string, below ...*cobra.Command) {
	cmd.AddGroup(&cobra.Group{ID: title, Title: title + ":"})
	for _, command := range below {
		command.GroupID = title
		cmd.AddCommand(command)
	}
}

// addHelpCommand adds the help command of cobra, with our texts, topics and errors.
func (a *app) addHelpCommand(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Use = "help [COMMAND | TOPIC]"
	help.Short = "Explain a command, or print a page of the documentation"
	help.Long = `Explain a command, with examples, or print a page of the documentation.
"shipmi help topics" lists the pages.`
	help.Example = "  shipmi help list\n  shipmi help topics\n  shipmi help troubleshooting"
	help.Run = nil
	help.RunE = func(_ *cobra.Command, words []string) error {
		if len(words) == 1 {
			if found, err := a.printTopic(words[0]); found {
				return err
			}
		}
		cmd, unknown, err := root.Find(words)
		if err == nil && len(unknown) > 0 {
			err = fmt.Errorf("unknown command %q for %q", unknown[0], cmd.CommandPath())
			similar := similarCommands(unknown[0], cmd)
			if cmd == root {
				err = fmt.Errorf("unknown command or topic %q", unknown[0])
				err = hint.Add(err, `"shipmi help topics" lists the pages of the documentation`)
				similar = append(similar, hint.Similar(unknown[0], topicNames())...)
			}
			err = hint.Misuse(hint.Meant(err, similar))
		}
		if err != nil {
			return err
		}
		return cmd.Help()
	}
	complete := help.ValidArgsFunction
	help.ValidArgsFunction = func(cmd *cobra.Command, words []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
		names, directive := complete(cmd, words, toComplete)
		for _, name := range append(topicNames(), "topics") {
			if len(words) == 0 && strings.HasPrefix(name, toComplete) {
				names = append(names, name)
			}
		}
		return names, directive
	}
}

// printTopic prints a page of the documentation, or the list of pages, and reports whether there
// is a topic with that name.
func (a *app) printTopic(name string) (found bool, err error) {
	print := listTopics
	if name != "topics" {
		i := slices.Index(topicNames(), name)
		if i < 0 {
			return false, nil
		}
		print = topics[i].text
	}
	text, err := print()
	if err == nil {
		_, err = io.WriteString(a.Stdout, text)
	}
	return true, err
}

// manageUser makes all commands work on the BMCs of the calling user.
func (a *app) manageUser() {
	store, err := units.UserStore(a.Getenv)
	if err != nil {
		a.userError = hint.Add(err, `set it to the home of the user, as in "HOME=/home/ada shipmi --user list"`)
		return
	}
	a.store, a.connect, a.host.User = store, a.connectUser, true
	a.host.ConfigDirs = slices.Insert(a.host.ConfigDirs, 0, store.ConfigDir())
}

// run executes a command line, prints errors and returns the exit status.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCommand()
	root.SetArgs(settings.JoinOptional(args))
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	if slices.Index(args, cobra.ShellCompRequestCmd) == 0 {
		unquoteUsage(root)
	}
	understood := false
	wrap(root, func(do runner) runner {
		return func(cmd *cobra.Command, words []string) error {
			understood = true
			switch {
			case a.remoteHost != "":
				return a.remote(root, args)
			case a.remoteSudo:
				return hint.Misuse(errors.New("--sudo works only with --host"))
			case a.userError != nil:
				return a.userError
			}
			if err := a.store.Recover(); err != nil {
				return err
			}
			return do(cmd, words)
		}
	})

	command, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		a.report(errors.New("interrupted"))
		return exitInterrupted
	case !understood || errors.Is(err, hint.ErrMisuse):
		a.report(misunderstood(command, err))
		return exitUsage
	default:
		a.report(err)
		return exitError
	}
}

type runner func(*cobra.Command, []string) error

// wrap replaces what cmd, and every command below it, runs.
func wrap(cmd *cobra.Command, around func(runner) runner) {
	for _, below := range cmd.Commands() {
		wrap(below, around)
	}
	if cmd.RunE != nil {
		cmd.RunE = around(cmd.RunE)
	}
}

// report prints an error with its hints.
func (a *app) report(err error) {
	hints := hint.Of(err)
	for _, general := range generalHints {
		if errors.Is(err, general.err) {
			hints = append(hints, general.text)
		}
	}
	a.Error(err, append(hints, circumstances{os.Geteuid() == 0, a.host.User, isBooted()}.hints(err)...))
}

// generalHints are the hints for errors of packages that do not know the commands.
var generalHints = []struct {
	err  error
	text string
}{
	{units.ErrExist, `"shipmi show" shows that BMC, and "shipmi delete" deletes it`},
	{units.ErrNotExist, `"shipmi list" lists the BMCs of this host`},
	{units.ErrOverridden, `"shipmi set" changes only 50-shipmi.conf: find the other drop-in with "systemctl cat", and change it by hand`},
	{units.ErrTaken, `choose another --address, --port or --redfish`},
	{systemd.ErrMasked, `"systemctl unmask" followed by the name of the unit removes the mask`},
	{systemd.ErrUserUnreachable, `log in as that user, or run "loginctl enable-linger USER" so that the systemd of the user always runs`},
}

// circumstances decide what helps against an error.
type circumstances struct {
	root   bool // the caller is root
	user   bool // the BMCs are those of the calling user
	booted bool // the host was booted with systemd
}

// isBooted is sd_booted(3).
func isBooted() bool {
	_, err := os.Lstat("/run/systemd/system")
	return err == nil
}

// hints returns the hints for an error that depend on the circumstances.
func (c circumstances) hints(err error) (hints []string) {
	if errors.Is(err, fs.ErrPermission) {
		switch {
		case c.root:
			hints = append(hints, "not even root may do this: look for an immutable file (lsattr), a container without the privilege, or a security module (journalctl -k)")
		case c.user:
			hints = append(hints, "the file must belong to you: see ls -l")
		default:
			hints = append(hints, "run the command as root")
		}
	}
	if errors.Is(err, systemd.ErrUnreachable) {
		switch {
		case !c.booted:
			hints = append(hints, "systemd does not run here; ShIPMI needs a host, or a container, that was booted with systemd")
		case c.root:
			hints = append(hints, `"systemctl is-system-running" tells whether systemd runs here`)
		default:
			hints = append(hints, "there is no message bus, which users other than root need: run the command as root")
		}
	}
	return hints
}

// misunderstood adds to the error of a command line where to find help.
func misunderstood(cmd *cobra.Command, err error) error {
	for _, text := range flagGroupTexts {
		if match := text.cobra.FindStringSubmatch(err.Error()); match != nil {
			err = errors.New(text.ours + " --" + strings.ReplaceAll(match[1], " ", ", --"))
		}
	}
	err = hint.Add(err, `see "%s --help"`, cmd.CommandPath())
	if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
		err = hint.Meant(err, similarCommands(words[0], cmd))
	}
	return err
}

// flagGroupTexts are the errors of cobra about flags that exclude or need each other, and
// ours.
var flagGroupTexts = []struct {
	cobra *regexp.Regexp
	ours  string
}{
	{regexp.MustCompile(`^if any flags .* none of the others can be; \[(.*)\] were all set$`), "want only one of"},
	{regexp.MustCompile(`^at least one of the flags in the group \[(.*)\] is required$`), "want one of"},
}

// similarCommands returns the commands below cmd whose names are similar to word.
func similarCommands(word string, cmd *cobra.Command) []string {
	var names []string
	for _, below := range cmd.Commands() {
		if !below.IsAvailableCommand() {
			continue
		}
		if slices.Contains(below.SuggestFor, word) {
			return []string{below.Name()}
		}
		names = append(names, below.Name())
	}
	return hint.Similar(word, names)
}

// unquoteUsage removes the quotes around the values in the texts of flags. Help and man
// pages interpret them, but shells print them.
func unquoteUsage(cmd *cobra.Command) {
	for _, flags := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags()} {
		flags.VisitAll(func(flag *pflag.Flag) { _, flag.Usage = pflag.UnquoteUsage(flag) })
	}
	for _, below := range cmd.Commands() {
		unquoteUsage(below)
	}
}
