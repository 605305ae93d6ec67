// Package session keeps the RMCP+ sessions of one BMC: the RAKP key exchange, the table of sessions, the
// authentication, encryption and sequence numbers of their packets, and the file from which the next process goes on.
//
// The package knows neither sockets nor commands. Time is an argument: it is the time since the host was booted, so that
// it runs on while no BMC process does. Random bytes come from a reader. A [Table] and its sessions belong to one
// goroutine and are not safe for concurrent use.
//
// [Table.Receive] writes all changes that a packet makes to the file before it returns. The packet can have an effect or
// a response only after that. A process may therefore be killed at any time: the next process refuses every packet that
// was accepted before, and uses no sequence number twice.
//
// Start reading at [Table.Open], [Table.RAKP1] and [Table.RAKP3], which open a session in this order. Then read
// [Table.Receive] and [Table.Seal]. [Login] and [Client] are the client's half of a session. Section numbers are those of
// the IPMI 2.0 specification, revision 1.1.
package session
