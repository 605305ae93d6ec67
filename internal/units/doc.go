// Package units keeps BMCs as systemd has them: a drop-in for the socket and one
// for the service of the instance shipmi-bmc@NAME, and a credential file beside
// them. Whatever stands in those files, also by hand, is the truth; there is no
// database. The package writes the files so that a change happens whole or not at
// all, reads them back, and carries orders to systemd over D-Bus. It does not
// know what the user typed nor when a BMC should run: that is the command's part.
// Start reading at BMC, then Store; Systemd stands apart from both.
package units
