// Package manifest is the file of "shipmi apply" and "shipmi export": a YAML document that says
// what BMCs there are. It reads such a document and names the line and the column of each
// mistake, translates BMCs from and to it, and tells what differs between two forms of a BMC. It
// reads no other file and writes none, except that a Resolver reads the files with secrets that a
// document names. Start reading at File, then Read and Resolver.
package manifest
