// Package systemd carries orders to a service manager over D-Bus, and asks it about
// units. It knows the names of units, but no BMC. Jobs for many units are started together
// and run in parallel. Start reading at Manager.
package systemd
