// Package client is a client of one BMC: it opens an RMCP+ session, sends requests, and has
// the serial console open. The command line uses it for the BMCs of this host, so that its
// console goes the same way as that of every other client.
//
// The package knows no terminal, no file and no address: the caller gives it a connection and
// the credentials. Start reading at [Open], then at [Console.Run].
package client
