// Package rmcp turns the bytes on UDP port 623 into structs and back: the RMCP
// header, ASF presence messages, IPMI session packets in both framings, LAN
// messages, and the messages that set up an RMCP+ session.
//
// It is pure. It knows no socket, no clock, no key and no session: whether a
// packet is authentic, fresh or allowed is decided elsewhere. Parse functions
// return views into the datagram, check the length before anything else and
// wrap [ErrMalformed]; Append functions cannot fail.
//
// Start reading at [ParseHeader], then [ParsePacket] and [ParseRequest], in the
// order in which a datagram is unwrapped. Section numbers are those of the IPMI
// 2.0 specification, revision 1.1.
package rmcp
