package main

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/units"
)

// The first ping is lost, as if the process were slow, and the second is answered.
func TestPing(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	done := make(chan error)
	go func() {
		b := make([]byte, 64)
		_, _, first := conn.ReadFrom(b)
		n, peer, second := conn.ReadFrom(b)
		_, malformed := rmcp.ParsePing(b[4:n])
		b[asfType] = presencePong
		_, sent := conn.WriteTo(b[:n], peer)
		done <- errors.Join(first, second, malformed, sent)
	}()
	require.NoError(t, ping(t.Context(), units.Endpoint{Network: units.UDP, AddrPort: addr}))
	require.NoError(t, <-done)
	require.NoError(t, conn.Close())
	require.ErrorContains(t, ping(t.Context(), units.Endpoint{Network: units.UDP, AddrPort: netip.AddrPortFrom(netip.IPv4Unspecified(), addr.Port())}), "connection refused")
}

func TestPingRedfish(t *testing.T) {
	for status, want := range map[int]string{
		http.StatusOK:                 "",
		http.StatusServiceUnavailable: "it answers 503 Service Unavailable",
	} {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /redfish", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		server := httptest.NewTLSServer(mux)
		addr := netip.MustParseAddrPort(server.Listener.Addr().String())
		err := ping(t.Context(), units.Endpoint{Network: units.TCP, AddrPort: addr})
		if want == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, want)
		}
		server.Close()
		anywhere := netip.AddrPortFrom(netip.IPv6Unspecified(), addr.Port())
		require.ErrorContains(t, ping(t.Context(), units.Endpoint{Network: units.TCP, AddrPort: anywhere}), "connection refused")
	}
}
