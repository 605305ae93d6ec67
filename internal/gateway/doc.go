// Package gateway serves the Redfish of all BMCs of a host at one address. It answers the service root and the lists of BMCs
// itself. A request for one BMC goes to the local socket of that BMC, whose process checks the login and answers. The gateway
// knows no users, keeps no state, and ends when it is idle.
//
// Start reading at [Gateway.ServeHTTP].
package gateway
