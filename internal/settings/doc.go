// Package settings turns what the administrator wrote into changes of BMCs: the flags of
// "add" and "set", the secrets that they name, the configuration file, and the names of
// providers and accounts. It checks every value before anything is changed. It writes no
// file and gives systemd no order: internal/units stores what a Change makes of a BMC.
// Start reading at Flags, then Change.
package settings
