// Package guest is the front for the guest of the managed machine: the program that runs it,
// such as QEMU, connects to a local socket and forwards the requests that the guest sends to
// /dev/ipmi0.
//
// A request stays in the socket until it has been answered, and systemd keeps the connection
// while no process runs. So the next process finds the request there, with the number that
// it had before: see [numbers]. The guest notices the end of a process by nothing but the time
// that an answer takes.
//
// A [Server] is a [bmc.Companion]. Start reading at [Server.Serve], then connection.serve.
package guest
