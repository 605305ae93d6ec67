package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/doctor"
	"github.com/shipmi/shipmi/internal/listing"
)

func (a *app) doctorCommand() *cobra.Command {
	var (
		options listing.Options
		pingAll bool
	)
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find problems of the BMCs of this host",
		Long: `Find what prevents BMCs from working: files that are invalid or belong to no BMC,
missing or readable credentials, providers that are gone or need a command that is not
installed, units that failed, changed or are masked, drop-ins that take away what a
service needs, ports that other programs use, addresses that the host does not have, a
firewall that drops packets or changes the port of a console, limits, default passwords,
mistakes in the configuration file. Nothing is changed. The exit status is 1 if there is
a problem. A warning is not a problem: only you can decide whether something is intended.

BMCs that listen get a ping, which starts the process of a BMC at rest. Of BMCs at rest,
at most 32 are started, and one of each kind: BMCs are of one kind if they have the same
account, the same addresses and the same drop-ins of yours. --ping-all starts them all,
which takes about 20 ms for each.

A finding that several BMCs have is printed once, with their names; -o json has one for
each BMC. No scripts run: "shipmi check" tries them.`,
		Example: `  shipmi doctor
  shipmi doctor --ping-all
  shipmi doctor -o json`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := options.CheckColumns(findingColumns); err != nil {
				return err
			}
			return a.doctor(cmd.Context(), &options, pingAll)
		},
	}
	options.AddFlags(cmd, findingColumns)
	cmd.Flags().BoolVar(&pingAll, "ping-all", false, "ping every BMC that listens, also those at rest")
	return cmd
}

var findingColumns = []listing.Column{
	{Name: "name", Title: "Name", Left: true},
	{Name: "kind", Title: "Kind", Left: true},
	{Name: "problem", Title: "Problem", Left: true, Prose: true},
	{Name: "hint", Title: "Hint", Left: true, Prose: true},
}

func (a *app) doctor(ctx context.Context, options *listing.Options, pingAll bool) error {
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	d := doctor.Doctor{
		Store: a.store, Host: a.host, Systemd: s, ProcDir: a.procDir, Version: version, LingerDir: a.lingerDir,
		Ping: a.ping, PingAll: pingAll,
		Progress: func(subject string) { a.Status("examining " + subject) },
	}
	findings, err := d.Examine(ctx)
	a.Status("")
	problems := 0
	for _, f := range findings {
		if !f.Warning {
			problems++
		}
	}
	if options.ForPeople() {
		if findings == nil && err == nil {
			_, err = fmt.Fprintln(a.Stdout, "no problems found")
		} else {
			err = errors.Join(err, a.printFindings(findings))
		}
		if n := d.Unpinged(); n > 0 {
			fmt.Fprintf(a.Stdout, "%d BMCs at rest got no ping; \"shipmi doctor --ping-all\" pings them, too\n", n)
		}
	} else {
		table := listing.Table{Columns: findingColumns}
		for _, f := range findings {
			table.Rows = append(table.Rows, []any{listing.TextOrNil(f.BMC), kind(f), f.Problem, f.Hint})
		}
		err = errors.Join(err, options.Print(&a.Terminal, table))
	}
	if problems > 0 {
		err = errors.Join(err, fmt.Errorf("problems found: %d", problems))
	}
	return err
}

// maxFolded is how many BMCs the text of a folded finding names.
const maxFolded = 5

// fold makes one finding of those that differ only in the BMC. Its hint has NAME in the place
// of the names.
func fold(findings []doctor.Finding) []doctor.Finding {
	var folded []doctor.Finding
	names := make(map[doctor.Finding][]string) // by the finding without the BMC
	for _, f := range findings {
		key := f
		if f.BMC != "" {
			key.BMC, key.Hint = "", regexp.MustCompile(`\b`+regexp.QuoteMeta(f.BMC)+`\b`).ReplaceAllString(f.Hint, "NAME")
			names[key] = append(names[key], f.BMC)
			if len(names[key]) > 1 {
				continue
			}
		}
		folded = append(folded, f)
	}
	for key, bmcs := range names {
		if len(bmcs) == 1 {
			continue
		}
		i := slices.IndexFunc(folded, func(f doctor.Finding) bool { return f.BMC == bmcs[0] && f.Problem == key.Problem })
		folded[i] = key
		if folded[i].BMC = strings.Join(bmcs, ", "); len(bmcs) > maxFolded {
			folded[i].BMC = fmt.Sprintf("%s and %d other BMCs", strings.Join(bmcs[:maxFolded], ", "), len(bmcs)-maxFolded)
		}
	}
	return folded
}

// printFindings prints each finding with its hint below. Equal findings are printed once.
func (a *app) printFindings(findings []doctor.Finding) error {
	for _, f := range fold(findings) {
		what, color := f.Problem, text.FgRed
		if f.Warning {
			color = text.FgYellow
		}
		if f.BMC != "" {
			what = f.BMC + ": " + what
		}
		if _, err := fmt.Fprintf(a.Stdout, "%s %s\n  hint: %s\n", a.Paint(a.Stdout, color, kind(f)+":"), what, f.Hint); err != nil {
			return err
		}
	}
	return nil
}

func kind(f doctor.Finding) string {
	if f.Warning {
		return "warning"
	}
	return "problem"
}
