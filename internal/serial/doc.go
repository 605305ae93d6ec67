// Package serial is the serial port of the managed machine. A [Port] owns the console line
// (package console), keeps it in a file so that it outlives the process, and runs the
// console script of the provider while a client needs it. A script that ends is run again:
// a serial port stays when the machine is off.
//
// The package knows neither sessions nor systemd. Its caller holds the lock of the BMC
// during every call. Start reading at [Port.Serve].
package serial
