// Package https is the front that speaks HTTPS: it accepts connections, knows who asks, and
// hands each request to package redfish, through [bmc.BMC.Enter]. What the answer needs first, a
// script or a file, it has done, and then sends the answer.
//
// HTTP has no request numbers. So a request that equals one whose answer has not left joins
// that one, and gets the same answer. See [exchange].
//
// Start reading at [Server.ServeHTTP].
package https
