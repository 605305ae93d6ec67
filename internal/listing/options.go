package listing

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shipmi/shipmi/internal/hint"
)

// Options say how to print a table. The flags of a command set them.
type Options struct {
	format    choice
	oldFormat choice // of -f, which ShIPMI in Python has; it takes the place of format
	columns   []string
	sort      []string // the first column takes precedence
	noHeaders bool

	// Flags that only ShIPMI in Python has.
	descending bool
	quote      choice // of CSV
	maxWidth   uint
	fitWidth   bool
	noIndent   bool
}

// A choice is a flag that accepts one of a few words.
type choice struct {
	value   string
	allowed []string
}

func (c *choice) Set(text string) error {
	if !slices.Contains(c.allowed, text) {
		return fmt.Errorf("want %s", strings.Join(c.allowed, ", "))
	}
	c.value = text
	return nil
}

func (c *choice) String() string { return c.value }

func (c *choice) Type() string { return "format" }

// AddFlags adds the flags to a command that prints a table with these columns.
func (o *Options) AddFlags(cmd *cobra.Command, columns []Column) {
	o.AddOutputFlags(cmd, columns)
	flags := cmd.Flags()
	o.oldFormat = choice{allowed: []string{"table", "json", "yaml", "csv", "value"}}
	flags.VarP(&o.oldFormat, "format", "f", "output `format` with the column titles as names, for scripts of the Python ShIPMI")
	cmd.MarkFlagsMutuallyExclusive("output", "format")
	o.addOldFlags(flags)
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(o.oldFormat.allowed, cobra.ShellCompDirectiveNoFileComp))
}

// AddOutputFlags is AddFlags for a command that ShIPMI in Python does not have. It leaves out the
// flags that scripts for that program use.
func (o *Options) AddOutputFlags(cmd *cobra.Command, columns []Column) {
	flags := cmd.Flags()
	o.format = choice{value: "table", allowed: []string{"table", "wide", "json", "yaml", "csv", "value"}}
	flags.VarP(&o.format, "output", "o", "output `format`: "+strings.Join(o.format.allowed, ", "))
	o.quote = choice{value: "nonnumeric", allowed: []string{"all", "minimal", "none", "nonnumeric"}}
	flags.StringArrayVarP(&o.columns, "column", "c", nil, "print only this `column`; may be repeated")
	flags.StringArrayVar(&o.sort, "sort-column", nil, "sort by this `column`; may be repeated")
	flags.BoolVar(&o.noHeaders, "no-headers", false, "print no header")
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	for flag, values := range map[string][]string{
		"output": o.format.allowed, "column": names, "sort-column": names,
	} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

// addOldFlags adds hidden flags, which scripts that were written for ShIPMI in Python use.
func (o *Options) addOldFlags(flags *pflag.FlagSet) {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.BoolVar(&o.noIndent, "noindent", false, "print JSON in one line")
	own.Var(&o.quote, "quote", "what to quote in CSV")
	own.UintVar(&o.maxWidth, "max-width", 0, "maximum width of a table")
	own.BoolVar(&o.fitWidth, "fit-width", false, "without a terminal, limit tables to $COLUMNS, or to 80 if that is not set")
	own.BoolVar(&o.descending, "sort-descending", false, "sort in descending order")
	own.Bool("sort-ascending", true, "the default")
	own.Bool("print-empty", true, "the default")
	own.VisitAll(func(flag *pflag.Flag) { flag.Hidden = true })
	flags.AddFlagSet(own)
}

// titled reports whether fields have the titles of columns as names, as with -f.
func (o *Options) titled() bool { return o.oldFormat.value != "" }

// form returns the format that was asked for.
func (o *Options) form() string {
	if o.titled() {
		return o.oldFormat.value
	}
	return o.format.value
}

// ForPeople reports whether the user asked for neither a format nor columns. Then a
// command may print text that reads better than a table.
func (o *Options) ForPeople() bool { return o.form() == "table" && o.columns == nil }

// IsTable reports whether the format is the plain table.
func (o *Options) IsTable() bool { return o.form() == "table" }

// CheckColumns returns an error that wraps hint.ErrMisuse if a flag names a column that
// there is not. Print does the same, but possibly too late: after the command has worked.
func (o *Options) CheckColumns(columns []Column) error {
	var errs []error
	for _, name := range slices.Concat(o.columns, o.sort) {
		if _, err := columnIndex(columns, name); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// columnIndex finds a column by its name or title.
func columnIndex(columns []Column, name string) (int, error) {
	i := slices.IndexFunc(columns, func(c Column) bool {
		return strings.EqualFold(name, c.Name) || strings.EqualFold(name, c.Title)
	})
	if i < 0 {
		var names []string
		for _, c := range columns {
			names = append(names, c.Name)
		}
		err := hint.Add(fmt.Errorf("no column %q", name), "the columns are %s", strings.Join(names, ", "))
		return 0, hint.Misuse(err)
	}
	return i, nil
}
