// Package migrate adds the BMCs of the programs that people come from: ShIPMI in Python,
// VirtualBMC, VirtualBMC for vSphere and ProxmoxBMC. Each of these programs keeps a BMC in
// a directory with a file called config. The package knows which provider replaces the
// program, which parameters that provider needs, and what cannot be migrated. It changes no
// file of the other program, prints nothing and starts nothing. Start reading at programs,
// then Read, then Importer.
package migrate
