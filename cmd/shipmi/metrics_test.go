package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/event"
)

// Every metric that the dashboard names exists, and every metric has a place in it.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../contrib/grafana/shipmi.json")
	require.NoError(t, err)
	var dashboard struct {
		Templating struct {
			List []struct{ Query any }
		}
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	require.Len(t, dashboard.Templating.List, 3)
	exists := func(name string) bool {
		return slices.ContainsFunc(allMetrics, func(m event.Metric) bool { return "shipmi_"+m.Name == name })
	}
	named := make(map[string]bool)
	for _, name := range regexp.MustCompile(`shipmi_[a-z_]+`).FindAllString(string(text), -1) {
		require.True(t, exists(name), name)
		named[name] = true
	}
	require.Len(t, named, len(allMetrics))
	ids := make(map[int]bool)
	for _, panel := range dashboard.Panels {
		require.False(t, ids[panel.ID], panel.Title)
		ids[panel.ID] = true
		require.LessOrEqual(t, panel.GridPos.X+panel.GridPos.W, 24, panel.Title)
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			require.Regexp(t, `shipmi_`, target.Expr)
		}
	}
}

// docs/monitoring.md lists all events and metrics.
func TestMonitoringPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/monitoring.md")
	require.NoError(t, err)
	for _, k := range event.Kinds {
		require.Contains(t, string(text), "| "+k.Name+" | "+k.ID+" | "+k.Meaning+" |")
	}
	for _, m := range allMetrics {
		require.Contains(t, string(text), "`shipmi_"+m.Name+"`")
	}
}

// The names are those that Prometheus recommends: a counter ends with _total, and nothing else does.
func TestNamesOfMetrics(t *testing.T) {
	for _, m := range allMetrics {
		require.Equal(t, m.Type == "counter", regexp.MustCompile(`_total$`).MatchString(m.Name), m.Name)
		require.NotEmpty(t, m.Help)
	}
}
