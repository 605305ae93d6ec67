// Package migrate reads the BMCs of the programs that people come from: ShIPMI in
// Python, VirtualBMC, VirtualBMC for vSphere and ProxmoxBMC. Each of them keeps a BMC
// in a directory with a file called config. The package says which provider takes the
// place of the program, what that needs to know, and what is lost on the way. It
// changes no file, and it knows neither what providers there are nor what a BMC may
// be. Start reading at programs, then Read.
package migrate
