// Package ipmi is what the BMC can do: one table of commands, and a handler for
// each that turns the body of a request into a completion code and the body of
// a response.
//
// It knows neither datagrams nor keys, starts no script and reads no clock. A
// handler that needs a script returns it with the function that completes the
// answer; the caller runs it and calls back. All handlers and those functions
// run in one goroutine, which owns the [BMC].
//
// Start reading at [Commands], then [BMC.Handle]. Section numbers are those of
// the IPMI 2.0 specification, revision 1.1.
package ipmi
