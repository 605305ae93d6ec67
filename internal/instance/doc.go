// Package instance defines the settings of one BMC: its name, its provider, its timeouts, and the users that may log in. It
// is the contract between the two programs: shipmi writes these values into the units of a BMC, and shipmi-bmc reads them
// from its environment and its credential file. The package knows the values, their defaults and their limits. It opens no
// file, and knows neither systemd nor IPMI. Start reading at Instance, then Credentials. Section numbers are those of the
// IPMI 2.0 specification, revision 1.1.
package instance
