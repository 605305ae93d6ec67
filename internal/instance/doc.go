// Package instance is the contract between the two programs: what one BMC is
// called, how it is set up, and who may log in. The CLI writes these values
// into the units of a BMC, and the process of that BMC reads them back from its
// environment and its credential file. The package knows the values, their
// defaults and their limits; it opens no file, and it knows neither systemd nor
// IPMI. Start reading at Instance, then Credentials.
package instance
