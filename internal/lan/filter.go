package lan

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/rmcp"
)

// Offsets of the bytes that the filter tests, from the start of the UDP header.
const (
	udpHeaderLen = 8
	atVersion    = udpHeaderLen
	atClass      = udpHeaderLen + 3
	atAuthType   = udpHeaderLen + 4
	atPayload    = udpHeaderLen + 5
)

// DropNoise lets the kernel drop datagrams that [Server.route] would drop by their first
// bytes. They then cost no time and no space in the socket buffer. The filter stays on the
// socket when the process has ended, so noise does not start a process.
func (s *Socket) DropNoise() error {
	program := noiseFilter()
	err := unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	if err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	return nil
}

// noiseFilter returns a program of classic BPF. Each test leads to the next test, or to one of
// the two ends.
func noiseFilter() []unix.SockFilter {
	const (
		load  = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS // a datagram that is too short is dropped
		and   = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		end   = unix.BPF_RET | unix.BPF_K
		all   = 0xFFFF

		authenticated = 0x40 // flag of the payload type: console packets exist only in sessions

		keep, drop = 0xFE, 0xFF // in place of the distance to the end
	)
	program := []unix.SockFilter{
		{Code: load, K: atVersion},
		{Code: equal, K: rmcp.Version, Jf: drop},
		{Code: load, K: atClass},
		{Code: equal, K: uint32(rmcp.ClassASF), Jt: keep},
		{Code: equal, K: uint32(rmcp.ClassIPMI), Jf: drop},
		{Code: load, K: atAuthType},
		{Code: equal, K: uint32(rmcp.AuthNone), Jt: keep},
		{Code: equal, K: uint32(rmcp.AuthRMCP), Jf: drop},
		{Code: load, K: atPayload},
		{Code: and, K: 0x7F}, // without the flag of encryption
		{Code: equal, K: uint32(rmcp.PayloadSOL) | authenticated, Jt: keep},
		{Code: and, K: 0x3F}, // without the two flags
		{Code: equal, K: uint32(rmcp.PayloadIPMI), Jt: keep},
		{Code: equal, K: uint32(rmcp.PayloadOpenRequest), Jt: keep},
		{Code: equal, K: uint32(rmcp.PayloadRAKP1), Jt: keep},
		{Code: equal, K: uint32(rmcp.PayloadRAKP3), Jt: keep},
		{Code: end, K: 0},
		{Code: end, K: all},
	}
	for i := range program {
		distance := uint8(len(program) - 2 - i - 1) // to the end that drops
		for _, to := range []*uint8{&program[i].Jt, &program[i].Jf} {
			switch *to {
			case drop:
				*to = distance
			case keep:
				*to = distance + 1
			}
		}
	}
	return program
}
