package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/actionlog"
	"github.com/shipmi/shipmi/internal/counters"
	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

func (a *app) metricsCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "metrics [NAME...]",
		Short: "Print metrics of BMCs for Prometheus",
		Long: `Print metrics of all BMCs, or of those that are named, in the text format of Prometheus.
The textfile collector of node_exporter takes them from a file: shipmi-metrics.timer
writes one every minute, after "systemctl enable --now shipmi-metrics.timer".

The process of a BMC counts in memory that outlives it, so this starts no process. Counters
begin at zero when the host boots and when the socket of the BMC is stopped, which rate()
and increase() take into account. Only root can read them.`,
		Example: `  shipmi metrics
  shipmi metrics 'rack-3-*'
  shipmi metrics --write /var/lib/prometheus/node-exporter/shipmi.prom`,
		Args:              checkPatterns,
		ValidArgsFunction: a.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := a.metrics(cmd.Context(), args)
			if err != nil {
				return err
			}
			if file == "" {
				_, err := a.Stdout.Write(text)
				return err
			}
			if err := renameio.WriteFile(file, text, 0o644); err != nil {
				return hint.Add(err, `--write takes a path in the directory of the textfile collector, see "--collector.textfile.directory" of node_exporter`)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "write", "w", "", "replace this `file` instead of printing")
	_ = cmd.MarkFlagFilename("write", "prom")
	return cmd
}

// Metrics that no process counts.
var (
	infoMetric      = event.Metric{Name: "info", Type: "gauge", Help: "A BMC and its provider, always 1."}
	listeningMetric = event.Metric{Name: "listening", Type: "gauge", Help: "Whether systemd listens for the BMC."}
	sessionsMetric  = event.Metric{Name: "sessions", Type: "gauge", Help: "Open IPMI sessions."}
)

// allMetrics lists what "metrics" prints.
var allMetrics = append([]event.Metric{infoMetric, listeningMetric, sessionsMetric}, event.Metrics...)

// A sample is one number of one BMC.
type sample struct {
	metric event.Metric
	bmc    string
	labels string // after the label "bmc", each with a comma before it
	value  uint64
}

// metrics returns the metrics of BMCs, in the order of allMetrics.
func (a *app) metrics(ctx context.Context, patterns []string) ([]byte, error) {
	bmcs, err := a.allOr(patterns)
	if err != nil {
		return nil, err
	}
	states, err := a.states(ctx, sockets(bmcs))
	if err != nil {
		return nil, err
	}
	byMetric := make(map[event.Metric][]sample)
	add := func(all ...sample) {
		for _, s := range all {
			byMetric[s.metric] = append(byMetric[s.metric], s)
		}
	}
	for _, b := range bmcs {
		listening := uint64(0)
		if states[units.SocketUnit(b.Name)] == "active" {
			listening = 1
		}
		sessions, err := a.openSessions(b)
		if err != nil {
			return nil, err
		}
		add(
			sample{infoMetric, b.Name, `,provider="` + escapeLabel(settings.ProviderName(b.Provider)) + `"`, 1},
			sample{listeningMetric, b.Name, "", listening},
			sample{sessionsMetric, b.Name, "", uint64(len(sessions))},
		)
		counted, err := a.counted(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name, err)
		}
		add(counted...)
	}
	var text bytes.Buffer
	for _, m := range allMetrics {
		if len(byMetric[m]) == 0 {
			continue
		}
		fmt.Fprintf(&text, "# HELP shipmi_%s %s\n# TYPE shipmi_%s %s\n", m.Name, m.Help, m.Name, m.Type)
		for _, s := range byMetric[m] {
			fmt.Fprintf(&text, "shipmi_%s{bmc=\"%s\"%s} %s\n", m.Name, s.bmc, s.labels, s.metric.Format(s.value))
		}
	}
	return text.Bytes(), nil
}

// escapeLabel returns a value of a label as it stands between quotes.
func escapeLabel(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text)
}

// seriesName is the name of a number that a process counts. A user who is not trusted may have written the file.
var seriesName = regexp.MustCompile(`^([a-z_]+)(?:\{([a-z]+="[a-z0-9 -]*"(?:,[a-z]+="[a-z0-9 -]*")*)\})?$`)

// counted returns what the process of a BMC has counted, sorted.
func (a *app) counted(b units.BMC) ([]sample, error) {
	file, err := actionlog.Open(a.store.CountersFile(b.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	values, err := counters.Read(file)
	if err != nil {
		return nil, err
	}
	var all []sample
	for _, name := range slices.Sorted(maps.Keys(values)) {
		match := seriesName.FindStringSubmatch(name)
		if match == nil {
			continue
		}
		i := slices.IndexFunc(event.Metrics, func(m event.Metric) bool { return m.Name == match[1] })
		if i < 0 {
			continue
		}
		labels := match[2]
		if labels != "" {
			labels = "," + labels
		}
		all = append(all, sample{event.Metrics[i], b.Name, labels, values[name]})
	}
	return all, nil
}
