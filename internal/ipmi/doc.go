// Package ipmi translates between IPMI requests and the machine: one table of commands,
// and a handler for each that turns the data of a request into a completion code and
// the data of a response.
//
// The package knows neither datagrams nor keys, runs no script, writes no file and reads
// no clock. A handler that needs one of these returns it in its [Answer]: an Intent or a
// Question for a script of the provider, or a function that works Later. The owner of
// the [BMC] does what the answer says. All handlers, and all functions in answers except
// Later, must be called under the owner's lock.
//
// The meaning of an intent is in package machine, which does not know IPMI.
//
// Requests come over LAN, or from the guest of the machine over the system interface: see
// [SystemCommands].
//
// Start reading at [Commands], then [BMC.Handle]. Section numbers without a name are
// those of the IPMI 2.0 specification, revision 1.1.
package ipmi
