// Package rmcp converts between the bytes on UDP port 623 and structs: the RMCP header, ASF presence messages, IPMI
// session packets in both framings, LAN messages, and the messages that open an RMCP+ session.
//
// The package is pure: it knows no socket, no clock, no key and no session. Other packages decide whether a packet is
// authentic, fresh and allowed. Parse functions check the length first, return slices of the datagram, and wrap
// [ErrMalformed]. Append functions append to a buffer, return the extended buffer, and cannot fail.
//
// Start reading at [ParseHeader], then [ParsePacket] and [ParseRequest]: a datagram is unwrapped in this order. Section
// numbers are those of the IPMI 2.0 specification, revision 1.1. "Remote console" in the specification is the client
// here, and "managed system" the BMC.
package rmcp
