// Package redfish is a BMC as a Redfish service: resources and actions, DSP0266 and the
// schemas of release 2025.4. A [Service] translates a request into an answer, into a
// [machine.Intent], or into a question to the provider.
//
// The package is pure: it opens no connection, reads no clock and starts no script. Package
// https speaks HTTP, knows who asks, and does what an [Answer] asks for.
//
// Start reading at [Service.Handle], then [Routes].
package redfish
