// Package migrate adds the BMCs of the programs that people come from: ShIPMI in Python,
// VirtualBMC, VirtualBMC for vSphere, ProxmoxBMC and sushy-tools. Each of the first four
// keeps a BMC in a directory with a file called config. sushy-tools has one file of Python
// for all machines. The package knows which provider replaces the program, which parameters
// that provider needs, and what cannot be migrated. It changes no file of the other program,
// prints nothing and starts nothing. Start reading at programs, then Read and readSushy,
// then Importer.
package migrate
