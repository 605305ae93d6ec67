// Package listing prints rows of values the way the user asks for: as a table for people,
// as JSON, YAML or CSV, or as bare values for shells. It owns the flags for that (-o, -c
// and those of ShIPMI in Python), selects and sorts columns, and fits tables to the
// terminal. It does not know what the values mean. Start reading at Table, then
// Options.Print.
package listing
