package units

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// becomes makes the gateway what it is given.
func becomes(g Gateway) func([]Existing, Gateway) (Decision, error) {
	return func([]Existing, Gateway) (Decision, error) { return Decision{Gateway: &g}, nil }
}

func listensAt(texts ...string) (g Gateway) {
	for _, text := range texts {
		g.Listen = append(g.Listen, netip.MustParseAddrPort(text))
	}
	return g
}

func TestApplyGateway(t *testing.T) {
	s := two(t)
	untouched := tree(t, s.root)
	g := listensAt("192.0.2.1:8000", "[fe80::1%eth0]:443")
	g.Allow, g.Certificate = []string{"192.0.2.0/24"}, Certificate{"/etc/100%/cert.pem", "/etc/key.pem"}
	failure := errors.New("no systemd")
	require.ErrorIs(t, s.Apply(becomes(g), planned, func(Plan) error { return failure }), failure)
	require.Equal(t, untouched, tree(t, s.root))

	require.NoError(t, s.Apply(becomes(g), planned, func(p Plan) error { require.Equal(t, Plan{Gateway: true}, p); return nil }))
	got, err := s.Gateway()
	require.NoError(t, err)
	require.Equal(t, g, got)
	plan, err := s.PlanApply(becomes(g))
	require.NoError(t, err)
	require.Equal(t, Plan{}, plan)

	// An administrator's own settings stay while there is a gateway.
	for unit, text := range map[string]string{GatewaySocket: "[Socket]\nBacklog=7\n", GatewayService: "[Service]\nNice=7\n"} {
		f, err := os.OpenFile(s.dropInPath(unit), os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = f.WriteString(text)
		require.NoError(t, errors.Join(err, f.Close()))
	}
	require.NoError(t, s.Apply(becomes(listensAt("[::]:443")), planned, planned))
	got, err = s.Gateway()
	require.NoError(t, err)
	require.Equal(t, listensAt("[::]:443"), got)
	for unit, line := range map[string]string{GatewaySocket: "Backlog=7", GatewayService: "Nice=7"} {
		text, err := os.ReadFile(s.dropInPath(unit))
		require.NoError(t, err)
		require.Contains(t, string(text), line)
	}

	require.NoError(t, s.Apply(becomes(Gateway{}), planned, planned))
	require.NoFileExists(t, s.dropInPath(GatewaySocket))
	require.NoFileExists(t, s.dropInPath(GatewayService))
	plan, err = s.PlanApply(becomes(Gateway{}))
	require.NoError(t, err)
	require.Equal(t, Plan{}, plan)
}

// A drop-in that an administrator wrote applies after that of ShIPMI.
func TestApplyGatewayOverridden(t *testing.T) {
	s := two(t)
	dir := filepath.Dir(s.dropInPath(GatewaySocket))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "90-own.conf"), []byte("[Socket]\nListenStream=192.0.2.9:8000\n"), 0o644))
	before := tree(t, s.root)
	for _, g := range []Gateway{{}, listensAt("192.0.2.9:8001")} {
		require.ErrorIs(t, s.Apply(becomes(g), planned, planned), ErrOverridden)
		require.Equal(t, before, tree(t, s.root))
	}
	require.NoError(t, s.Apply(becomes(listensAt("192.0.2.9:8000")), planned, planned))
	require.Equal(t, before, tree(t, s.root))
}

func TestApplyGatewayTaken(t *testing.T) {
	s := two(t)
	tcp := func(name, addr string) Target {
		target := Target{BMC: newBMC(name, "[::]:7009"), Credentials: admin("x")}
		target.Redfish = listensAt(addr).Listen
		return target
	}
	require.NoError(t, s.Apply(to([]Target{tcp("c", "192.0.2.1:8000")}), planned, planned))
	err := s.Apply(becomes(listensAt("[::]:8000")), planned, planned)
	require.ErrorIs(t, err, ErrTaken)
	require.ErrorContains(t, err, `gateway: address and port are taken: "c" listens on 192.0.2.1:8000`)
	err = s.Apply(becomes(listensAt("[::]:8001", "192.0.2.1:8001")), planned, planned)
	require.ErrorContains(t, err, "of the same BMC")

	// Both can exchange their addresses.
	require.NoError(t, s.Apply(becomes(listensAt("[::]:8001")), planned, planned))
	both := func(g Gateway, target Target) func([]Existing, Gateway) (Decision, error) {
		return func([]Existing, Gateway) (Decision, error) {
			return Decision{Targets: []Target{target}, Gateway: &g}, nil
		}
	}
	require.NoError(t, s.Apply(both(listensAt("192.0.2.1:8000"), tcp("c", "192.0.2.1:8001")), planned, planned))

	// A BMC may have the name gateway, and is not taken for the gateway.
	gateway := tcp("gateway", "192.0.2.1:8000")
	gateway.Listen = nil
	require.ErrorContains(t, s.Apply(to([]Target{gateway}), planned, planned), `taken: "(gateway)" listens on 192.0.2.1:8000`)
	gateway.Redfish[0] = netip.MustParseAddrPort("192.0.2.1:8002")
	require.NoError(t, s.Apply(to([]Target{gateway}), planned, planned))
}
