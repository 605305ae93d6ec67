// Package session keeps the RMCP+ sessions of one BMC: the RAKP key exchange,
// the table of sessions, authentication, encryption and the sequence window of
// their packets, and the file in which all that outlives the process.
//
// It knows neither sockets nor commands. Time arrives as an argument, counted
// from the boot of the host so that it runs on while no process does, and
// randomness as a reader. A [Table] and its sessions have one owner and are not
// safe for concurrent use.
//
// Whatever a packet changes is in the file before [Table.Receive] returns, that
// is, before the packet can have an effect or an answer. A process that dies at
// any instant leaves a table that refuses every packet accepted before and
// repeats no sequence number.
//
// Start reading at [Table.Open], [Table.RAKP1] and [Table.RAKP3], the way a
// session comes into being; then [Table.Receive] and [Table.Seal].
package session
