// Package metrics reads what "shipmi metrics" prints with the parser of Prometheus. The text is the one that a transcript of
// cmd/shipmi expects.
package metrics

import (
	"os"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

func TestExposition(t *testing.T) {
	transcript, err := os.ReadFile("../../../cmd/shipmi/testdata/metrics.txtar")
	require.NoError(t, err)
	_, text, _ := strings.Cut(string(transcript), "-- metrics.prom --\n")
	text, _, found := strings.Cut(text, "-- etc/")
	require.True(t, found)

	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	require.NoError(t, err)
	require.Len(t, families, 11)
	for name, family := range families {
		want := dto.MetricType_GAUGE
		if strings.HasSuffix(name, "_total") {
			want = dto.MetricType_COUNTER
		}
		require.Equal(t, want, family.GetType(), name)
		require.NotEmpty(t, family.GetHelp(), name)
		for _, m := range family.Metric {
			require.Equal(t, "bmc", m.Label[0].GetName(), name)
		}
	}
	took := families["shipmi_script_seconds_total"].Metric[0]
	require.InDelta(t, 1.500000001, took.Counter.GetValue(), 1e-9)
	require.Equal(t, "power-on", took.Label[1].GetValue())
}
