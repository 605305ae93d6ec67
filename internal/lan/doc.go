// Package lan is IPMI over LAN: UDP sockets, the kernel's filter, limits for clients that
// have proven nothing, sessions, and the answers to datagrams that arrive twice. It carries
// requests to internal/ipmi and to the jobs of a [bmc.BMC], and answers back.
//
// A [Server] is a [bmc.Front]. Start reading at [Server.Serve]; route.go unwraps a datagram,
// request.go handles the request in it, answer.go sends the answer.
package lan
