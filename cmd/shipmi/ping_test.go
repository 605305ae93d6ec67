package main

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
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
	require.NoError(t, ping(t.Context(), addr))
	require.NoError(t, <-done)
	require.NoError(t, conn.Close())
	require.ErrorContains(t, ping(t.Context(), netip.AddrPortFrom(netip.IPv4Unspecified(), addr.Port())), "connection refused")
}
