package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) eventsCommand() *cobra.Command {
	var (
		kinds  []string
		output string
	)
	var listed strings.Builder
	for _, k := range event.Kinds {
		fmt.Fprintf(&listed, "  %-14s%s\n", k.Name, k.Meaning)
	}
	cmd := &cobra.Command{
		Use:   "events [NAME...]",
		Short: "Show what has happened to BMCs",
		Long: `Show the events of all BMCs, or of those that are named, from the journal:

` + listed.String() + `
-o json prints one object for each event, in one line: time, bmc, event, via, user, peer,
verb, result, power, took (in seconds), count and message. What does not apply is null.
The count is how many events the line stands for: more than 1 in a flood. These events
are journal entries with fields that begin with SHIPMI_; shipmi-bmc(8) lists them.`,
		Example: `  shipmi events
  shipmi events node-0 --follow
  shipmi events --event refused --since -1h
  shipmi events -o json | jq -r 'select(.result == "failed").bmc'`,
		Args:              checkPatterns,
		ValidArgsFunction: a.completeNames,
	}
	own := journalFlags("events")
	cmd.Flags().AddFlagSet(own)
	cmd.Flags().StringSliceVar(&kinds, "event", nil, "show only events of this `kind`, or of these, separated by commas")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "output `format`: text or json")
	_ = cmd.RegisterFlagCompletionFunc("event", cobra.FixedCompletions(eventNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if output != "text" && output != "json" {
			return hint.Misuse(fmt.Errorf("--output %q: want text or json", output))
		}
		matches, err := a.eventMatches(args, kinds)
		if err != nil {
			return err
		}
		options := append([]string{"--quiet", "--no-pager", "--all", "--output=json"}, journalOptions(own)...)
		print := a.printEvent
		if output == "json" {
			print = a.printEventJSON
		}
		return a.readEvents(cmd.Context(), append(options, matches...), print)
	}
	return cmd
}

func eventNames() (names []string) {
	for _, k := range event.Kinds {
		names = append(names, k.Name)
	}
	return names
}

// eventMatches returns the matches of journalctl for the events of BMCs: of all, unless some are named. The unit of a journal
// entry cannot be forged, SHIPMI_BMC= can.
func (a *app) eventMatches(patterns, kinds []string) (matches []string, err error) {
	for _, kind := range kinds {
		if !slices.Contains(eventNames(), kind) {
			err := fmt.Errorf("no event %q: want %s", kind, strings.Join(eventNames(), ", "))
			return nil, hint.Misuse(hint.Meant(err, hint.Similar(kind, eventNames())))
		}
	}
	for _, k := range event.Kinds {
		if len(kinds) == 0 || slices.Contains(kinds, k.Name) {
			matches = append(matches, "MESSAGE_ID="+k.ID)
		}
	}
	if a.host.User {
		matches = append(matches, "_UID="+strconv.Itoa(os.Getuid()))
	}
	if len(patterns) == 0 {
		return matches, nil
	}
	bmcs, err := a.findBMCs(patterns...)
	for _, unit := range services(bmcs) {
		matches = append(matches, a.unitField()+"="+unit)
	}
	return matches, err
}

func (a *app) unitField() string {
	if a.host.User {
		return "_SYSTEMD_USER_UNIT"
	}
	return "_SYSTEMD_UNIT"
}

// readEvents calls print for each event that journalctl prints, until journalctl ends or ctx does.
func (a *app) readEvents(ctx context.Context, options []string, print func(journalEvent) error) error {
	journalctl := exec.CommandContext(ctx, "journalctl", options...)
	journalctl.Stderr = a.Stderr
	out, err := journalctl.StdoutPipe()
	if err != nil {
		return err
	}
	if err := journalctl.Start(); err != nil {
		return err
	}
	printed := a.printEvents(out, print)
	if printed != nil {
		_ = journalctl.Process.Kill()
	}
	ended := journalctl.Wait()
	switch {
	case printed != nil:
		return printed
	case ctx.Err() != nil:
		return nil // an interrupt is how --follow usually ends
	}
	return ended
}

func (a *app) printEvents(out io.Reader, print func(journalEvent) error) error {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, os.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		var fields map[string]journalField
		if err := json.Unmarshal(line, &fields); err != nil {
			return fmt.Errorf("journalctl: %w", err)
		}
		e, ok := a.eventOf(fields)
		if !ok {
			continue
		}
		if err := print(e); err != nil {
			return err
		}
	}
}

// A journalField is a field as journalctl prints it. One with bytes that are no text is a list of numbers, and one that an
// entry has twice is a list of texts; we write neither.
type journalField string

func (f *journalField) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		*f = journalField(text)
	}
	return nil
}

// A journalEvent is an event in JSON. Fields that do not apply are null.
type journalEvent struct {
	Time    time.Time `json:"time"`
	BMC     string    `json:"bmc"`
	Event   string    `json:"event"`
	Via     *string   `json:"via"`
	User    *string   `json:"user"`
	Peer    *string   `json:"peer"`
	Verb    *string   `json:"verb"`
	Result  *string   `json:"result"`
	Power   *string   `json:"power"`
	Took    *float64  `json:"took"`
	Count   int       `json:"count"`
	Message string    `json:"message"`
}

// eventOf returns the event that a journal entry is, and false if no BMC of ours has written the entry.
func (a *app) eventOf(fields map[string]journalField) (e journalEvent, ok bool) {
	name := units.ServiceName(string(fields[a.unitField()]))
	kind := slices.IndexFunc(event.Kinds, func(k event.Described) bool { return k.ID == string(fields["MESSAGE_ID"]) })
	usec, err := strconv.ParseInt(string(fields["__REALTIME_TIMESTAMP"]), 10, 64)
	if name == "" || kind < 0 || err != nil {
		return e, false
	}
	text := func(field string) *string {
		value := string(fields["SHIPMI_"+field])
		if value == "" {
			return nil
		}
		return &value
	}
	e = journalEvent{
		Time: time.UnixMicro(usec), BMC: name, Event: event.Kinds[kind].Name, Via: text("VIA"), User: text("USER"), Peer: text("PEER"),
		Verb: text("VERB"), Result: text("RESULT"), Power: text("POWER"), Count: 1, Message: string(fields["MESSAGE"]),
	}
	if took, err := strconv.ParseUint(string(fields["SHIPMI_TOOK_USEC"]), 10, 53); err == nil {
		seconds := time.Duration(took * 1000).Seconds()
		e.Took = &seconds
	}
	if count, err := strconv.Atoi(string(fields["SHIPMI_COUNT"])); err == nil {
		e.Count = max(1, count)
	}
	return e, true
}

// printEvent prints an event for people.
func (a *app) printEvent(e journalEvent) error {
	_, err := fmt.Fprintf(a.Stdout, "%s %s %s: %s\n", e.Time.Local().Format(time.DateTime), e.BMC, e.Event,
		escapeControls(cmp.Or(e.Message, "-")))
	return err
}

func (a *app) printEventJSON(e journalEvent) error {
	e.Time = e.Time.UTC()
	return json.NewEncoder(a.Stdout).Encode(e)
}
