package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/listing"
	"github.com/shipmi/shipmi/internal/session"
	"github.com/shipmi/shipmi/internal/systemd"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) statusCommand() *cobra.Command {
	var (
		options  listing.Options
		selected selection
		lines    uint
	)
	cmd := &cobra.Command{
		Use:   "status NAME...",
		Short: "Show what BMCs do at present",
		Long: `Show what BMCs do at present: whether systemd listens for them, the process that runs,
the sessions that are open, the client that has the console open, the last action since
the last boot, and the last lines of the journal. Only root can see sessions, the
console, the last action and the journal.`,
		Example: `  shipmi status node-0
  shipmi status node-0 --lines 20
  shipmi status --all -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := options.CheckColumns(options.PropertyColumns(statusColumns)); err != nil {
				return err
			}
			return a.status(cmd.Context(), &options, selected.patterns(args), lines)
		},
	}
	selected.addTo(cmd, a)
	cmd.Flags().UintVarP(&lines, "lines", "n", 5, "show the last `number` of lines of the journal")
	options.AddFlags(cmd, statusColumns)
	return cmd
}

var statusColumns = []listing.Column{
	{Name: "name", Title: "name"},
	{Name: "status", Title: "status"},
	{Name: "enabled", Title: "enabled"},
	{Name: "process", Title: "process"},
	{Name: "sessions", Title: "sessions"},
	{Name: "console", Title: "console"},
	{Name: "last_action", Title: "last action"},
	{Name: "log", Title: "log", Wide: true},
}

func (a *app) status(ctx context.Context, options *listing.Options, patterns []string, lines uint) error {
	bmcs, err := a.findBMCs(patterns...)
	if err != nil {
		return err
	}
	facts, err := a.factsOf(ctx, bmcs)
	if err != nil {
		return err
	}
	processes, err := a.processes(ctx, bmcs)
	if err != nil {
		return err
	}
	table := listing.Table{Columns: statusColumns}
	var journals [][]string
	for i, b := range bmcs {
		sessions, err := a.sessions(b)
		if err != nil {
			a.Warn("%s: its sessions cannot be read: %v", b.Name, err)
		}
		journal, err := a.lastLines(ctx, b, lines)
		if err != nil {
			a.Warn("%s: its journal cannot be read: %v", b.Name, err)
		}
		journals = append(journals, journal)
		table.Rows = append(table.Rows, []any{
			b.Name, facts[i].status, facts[i].enabled, processOf(b, processes), sessions, a.consoleCell(b), facts[i].lastAction, listing.Texts(journal),
		})
	}
	if !options.ForPeople() {
		return options.PrintProperties(&a.Terminal, table)
	}
	for i, row := range table.Rows {
		one := listing.Table{Columns: statusColumns, Rows: [][]any{row}}
		if err := options.PrintProperties(&a.Terminal, one); err != nil {
			return err
		}
		for _, line := range journals[i] {
			if _, err := fmt.Fprintln(a.Stdout, line); err != nil {
				return err
			}
		}
	}
	return nil
}

// processes returns the processes of BMCs by their services.
func (a *app) processes(ctx context.Context, bmcs []units.BMC) (map[string]systemd.Process, error) {
	s, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Processes(ctx, services(bmcs))
}

// A processFact is the process of a BMC in JSON.
type processFact struct {
	PID    int       `json:"pid"`
	Since  time.Time `json:"since"`
	Status string    `json:"status"`
}

// sessionCount is how the status of a process begins. It may be a second old, and includes Redfish, so that a table with
// it contradicts the list of sessions.
var sessionCount = regexp.MustCompile(`^\d+ sessions?(; |$)`)

func (p processFact) String() string {
	text := fmt.Sprintf("%d since %s", p.PID, p.Since.Local().Format(time.DateTime))
	if status := sessionCount.ReplaceAllString(p.Status, ""); status != "" {
		text += ": " + status
	}
	return text
}

// processOf returns a cell with the process of a BMC, or nil: none runs without packets.
func processOf(b units.BMC, processes map[string]systemd.Process) any {
	p, runs := processes[units.ServiceUnit(b.Name)]
	if !runs {
		return nil
	}
	return processFact(p)
}

// A sessionFact is a session in JSON.
type sessionFact struct {
	User      string    `json:"user"`
	Privilege string    `json:"privilege"`
	Peer      string    `json:"peer"`
	Since     time.Time `json:"since"`
	Last      time.Time `json:"last_packet"`
}

func (s sessionFact) String() string {
	return fmt.Sprintf("%s (%s) from %s since %s", s.User, s.Privilege, s.Peer, s.Since.Local().Format(time.DateTime))
}

// sessions returns a cell with the sessions of a BMC that have not timed out.
func (a *app) sessions(b units.BMC) (listing.List, error) {
	all := listing.List{}
	open, err := a.openSessions(b)
	if err != nil {
		return all, err
	}
	booted := time.Now().Add(-bootTime())
	for _, s := range open {
		all = append(all, sessionFact{s.User, s.Privilege.String(), s.Peer.String(), booted.Add(s.Created), booted.Add(s.Touched)})
	}
	return all, nil
}

// openSessions returns the sessions of a BMC that have not timed out.
func (a *app) openSessions(b units.BMC) ([]session.Summary, error) {
	file, err := actionlog.Open(a.store.SessionsFile(b.Name)) // a user who is not trusted may own it
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, err
	}
	defer file.Close()
	summaries, err := session.Summaries(file)
	now := bootTime()
	return slices.DeleteFunc(summaries, func(s session.Summary) bool { return now-s.Touched > b.Timeouts.Session }), err
}

// bootTime returns the time since the host was booted, including the time that it was suspended.
func bootTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic(fmt.Sprintf("internal error: CLOCK_BOOTTIME: %v", err))
	}
	return time.Duration(t.Nano())
}

// lastLines returns the last lines of the journal of a BMC.
func (a *app) lastLines(ctx context.Context, b units.BMC, lines uint) ([]string, error) {
	options := append([]string{"--quiet", "--no-pager", "--lines=" + strconv.FormatUint(uint64(lines), 10)}, a.journalMatches([]units.BMC{b})...)
	out, err := exec.CommandContext(ctx, "journalctl", options...).Output()
	text := strings.TrimSuffix(string(out), "\n")
	if err != nil || text == "" {
		return nil, err
	}
	return strings.Split(text, "\n"), nil
}
