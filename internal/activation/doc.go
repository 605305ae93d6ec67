// Package activation has what the processes that systemd starts for sockets have in common: the descriptors that they are passed,
// their messages to systemd, their clock, and their log lines for journald. It never makes its caller wait for systemd or
// journald. Start reading at AllPassed.
package activation
