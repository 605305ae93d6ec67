// Package systemd carries orders to a service manager over D-Bus, and asks it about
// units. It knows names of units and nothing of BMCs. Orders for many units are given
// at once. Start reading at Manager.
package systemd
