package script

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

var declared = provider.Sensors{All: []provider.Sensor{
	{Name: "cpu", Kind: provider.Temperature, Unit: provider.Celsius, Min: -10, Max: 127},
	{Name: "draw", Kind: provider.Power, Unit: provider.Watt, Max: 500},
	{Name: "fan1", Kind: provider.Fan, Unit: provider.RPM, Max: 9000},
}}

func TestParseReadings(t *testing.T) {
	for _, c := range []struct {
		text   string
		values map[string]float64
		err    string
	}{
		{"", nil, ""},
		{"draw=12.5\n\n cpu = -3 \nfan1=\n", map[string]float64{"draw": 12.5, "cpu": -3}, ""},
		{"DRAW=1e2\r\ncpu=.5\nfan1=+9000", map[string]float64{"draw": 100, "cpu": .5, "fan1": 9000}, ""},
		{"cpu=41\ndraw=N/A", map[string]float64{"cpu": 41}, `printed "draw=N/A": "n/a": not a number`},
		{"cpu=nan", nil, `"nan": not a number`},
		{"cpu=inf", nil, `"inf": not a number`},
		{"cpu=0x10", nil, `"0x10": not a number`},
		{"cpu=1_0", nil, `not a number`},
		{"cpu=1 C", nil, `"1 c": not a number`},
		{"cpu=128\ndraw=1", map[string]float64{"draw": 1}, `"cpu=128": not within -10..127 C`},
		{"cpu=1\ncpu=1\ndraw=2", map[string]float64{"draw": 2}, `"cpu=1": comes twice`},
		{"cpu=1\ncpu=1\ncpu=1", nil, `comes twice`},
		{"gpu=1\ndraw=2", map[string]float64{"draw": 2}, `"gpu=1": no such sensor is declared`},
		{"no host\ndraw=2", map[string]float64{"draw": 2}, `printed "no host": not name=value`},
		{"a\nb\nc\nd\ne", nil, `"c": not name=value; and 2 more`},
		{strings.Repeat("x", 99), nil, `"` + strings.Repeat("x", 40) + `": not name=value`},
	} {
		values, err := parseReadings(c.text, declared)
		require.Len(t, values, len(c.values), c.text)
		for name, want := range c.values {
			require.Equal(t, want, values[name], c.text)
		}
		if c.err == "" {
			require.NoError(t, err, c.text)
			continue
		}
		require.ErrorContains(t, err, c.err)
		require.NotContains(t, err.Error(), "\n", "one line of the journal")
	}
}

func FuzzParseReadings(f *testing.F) {
	f.Add("draw=12.5\ncpu=-3")
	f.Add("cpu=1e400\nx")
	f.Fuzz(func(t *testing.T, text string) {
		values, _ := parseReadings(text, declared)
		for name, value := range values {
			i, known := declared.Named(name)
			require.True(t, known)
			require.True(t, value >= declared.All[i].Min && value <= declared.All[i].Max)
		}
	})
}
