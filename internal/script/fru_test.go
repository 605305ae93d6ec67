package script

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

func TestFRU(t *testing.T) {
	long := strings.Repeat("x", maxFRU)
	for _, tt := range []struct {
		name, script string
		want         provider.FRU
		err          string
	}{
		{
			"all", `printf '%%s\n' manufacturer=Acme 'product=Model 5=b' serial=%(name)s asset=A-1`,
			provider.FRU{Manufacturer: "Acme", Product: "Model 5=b", Serial: "node-0", Asset: "A-1"}, "",
		},
		{"some, with white space", `printf '\n serial = 42 \r\n\n asset=\n'`, provider.FRU{Serial: "42"}, ""},
		{"nothing", "true", provider.FRU{}, ""},
		{"as long as can be", "echo serial=" + long, provider.FRU{Serial: long}, ""},
		{"too long", "echo asset=" + long + "x", provider.FRU{}, `fru get: key "asset": 64 bytes, at most 63 fit; printed "asset=` + long + `x"`},
		{"unknown key", "echo color=red", provider.FRU{}, `fru get: key "color": unknown key; printed "color=red"`},
		{"key in capitals", "echo Serial=1", provider.FRU{}, `fru get: key "Serial": unknown key; printed "Serial=1"`},
		{"no key", "echo =1", provider.FRU{}, `fru get: key "": unknown key; printed "=1"`},
		{"key twice", `printf 'serial=\nserial=2\n'`, provider.FRU{}, `fru get: key "serial": comes twice; printed "serial=\nserial=2"`},
		{"no delimiter", "echo serial", provider.FRU{}, `fru get: "serial": not key=value; printed "serial"`},
		{"binary", `printf 'serial=a\033b\n'`, provider.FRU{}, `fru get: key "serial": "a\x1bb": not printable ASCII; printed "serial=a\x1bb"`},
		{"beyond ASCII", `printf 'product=\303\274\n'`, provider.FRU{}, `fru get: key "product": "ü": not printable ASCII; printed "product=ü"`},
		{"fails", "echo serial=1; exit 66", provider.FRU{}, `fru get: exit status 66: not supported; printed "serial=1"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRunner(t, "[POWER]\nstatus=x\n[FRU]\nget="+tt.script+"\n")
			reading := r.Query(t.Context(), provider.FRUGet, provider.Args{})
			require.True(t, reading.Has)
			if tt.err != "" {
				require.EqualError(t, reading.Err, tt.err)
				require.ErrorAs(t, reading.Err, new(*provider.Error))
			} else {
				require.NoError(t, reading.Err)
			}
			require.Equal(t, tt.want, reading.FRU)
		})
	}

	require.Zero(t, newRunner(t, "[POWER]\nstatus=x\n").Query(t.Context(), provider.FRUGet, provider.Args{}), "the provider has no such script")
}

// Whatever a script prints, a field is a word of it that fits into FRU data.
func FuzzFRU(f *testing.F) {
	for _, seed := range []string{"serial=1\nasset = 2\n", "manufacturer=Acme\r\nproduct=a=b\n", "serial=\nserial=\n", "color=red", "x", "=", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fru, err := parseFRU(text)
		if err != nil {
			require.Zero(t, fru)
			require.NotContains(t, err.Error(), "\n")
			return
		}
		for _, field := range []string{fru.Manufacturer, fru.Product, fru.Serial, fru.Asset} {
			require.Contains(t, text, field)
			require.LessOrEqual(t, len(field), maxFRU)
			require.Equal(t, field, strings.Trim(field, " \t\r\n\x00\x7f"))
		}
	})
}
