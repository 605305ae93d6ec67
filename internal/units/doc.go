// Package units keeps the files of BMCs: a drop-in for the socket and one for the
// service of each instance shipmi-bmc@NAME, and a credential file beside them. These
// files, also edited by hand, are all that describes a BMC: there is no database. The
// package writes the files so that a change is made completely or not at all, and reads
// them back. It does not talk to systemd (internal/systemd does), and it knows neither
// command lines nor when a BMC should run. Start reading at BMC, then Store.
package units
