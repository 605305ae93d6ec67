package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// An output is how a listing is to be printed, as the flags say.
type output struct {
	format    format
	titles    bool // fields are known by their titles, as to the predecessor
	columns   []string
	sort      []string // the first one counts most
	noHeaders bool

	// What the predecessor has beside that.
	descending bool
	quote      format // of CSV
	maxWidth   int
	fitWidth   bool
	noIndent   bool
}

// formats are those of -o; the predecessor has all but the second.
var formats = []string{"table", "wide", "json", "yaml", "csv", "value"}

// A format is the value of -o, or of another flag that has few.
type format struct {
	name    string
	allowed []string
	isSet   func()
}

func (f *format) Set(text string) error {
	if !slices.Contains(f.allowed, text) {
		return fmt.Errorf("want %s", strings.Join(f.allowed, ", "))
	}
	f.name = text
	f.isSet()
	return nil
}

func (f *format) String() string { return f.name }

func (f *format) Type() string { return "format" }

// addFlags adds the flags for the output to a command, among them those of the
// predecessor.
func (o *output) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	o.format = format{name: "table", allowed: formats, isSet: func() { o.titles = false }}
	flags.VarP(&o.format, "output", "o", "output `format`: "+strings.Join(formats, ", "))
	old := &format{allowed: slices.Delete(slices.Clone(formats), 1, 2)}
	old.isSet = func() { o.format.name, o.titles = old.name, true }
	flags.VarP(old, "format", "f", "output `format` with the column titles as names, for scripts of the Python ShIPMI")
	flags.StringArrayVarP(&o.columns, "column", "c", nil, "print this `column` only; may be repeated")
	flags.StringArrayVar(&o.sort, "sort-column", nil, "sort by this `column`; may be repeated")
	flags.BoolVar(&o.noHeaders, "no-headers", false, "print no header")
	cmd.MarkFlagsMutuallyExclusive("output", "format")
	o.addOldFlags(flags)
	for flag, values := range map[string][]string{"output": formats, "format": old.allowed} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

// addOldFlags adds those flags of the predecessor that nobody would miss.
func (o *output) addOldFlags(flags *pflag.FlagSet) {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.BoolVar(&o.noIndent, "noindent", false, "print JSON in one line")
	o.quote = format{name: "nonnumeric", allowed: []string{"all", "minimal", "none", "nonnumeric"}, isSet: func() {}}
	own.Var(&o.quote, "quote", "what to quote in CSV")
	own.IntVar(&o.maxWidth, "max-width", 0, "how wide a table may be")
	own.BoolVar(&o.fitWidth, "fit-width", false, "fit a table into $COLUMNS, else 80, where there is no terminal")
	own.BoolVar(&o.descending, "sort-descending", false, "sort the other way")
	own.Bool("sort-ascending", true, "what is done anyway")
	own.Bool("print-empty", true, "what is done anyway")
	own.VisitAll(func(flag *pflag.Flag) { flag.Hidden = true })
	flags.AddFlagSet(own)
}

// structured tells whether every field is wanted, in a form for programs.
func (o *output) structured() bool { return o.format.name == "json" || o.format.name == "yaml" }

// print prints a listing as the flags ask for it.
func (a *app) print(o *output, l listing) error {
	l, err := o.arrange(l)
	if err != nil {
		return err
	}
	switch o.format.name {
	case "json":
		return o.writeJSON(a.stdout, l)
	case "yaml":
		return o.writeYAML(a.stdout, l)
	case "csv":
		return o.writeLines(a.stdout, l, ",", o.quoteCSV)
	case "value":
		return o.writeLines(a.stdout, listing{rows: l.rows}, " ", cellText)
	default:
		return o.writeTable(a, l)
	}
}

// printProperties prints each row of a listing as a table of its own, where people
// or the predecessor's scripts read it. To the latter, columns are those of that table.
func (a *app) printProperties(o *output, l listing) error {
	if !o.titles && o.format.name != "table" && o.format.name != "wide" {
		return a.print(o, l)
	}
	outer, inner := *o, *o
	if o.titles {
		outer.columns, outer.sort = nil, nil
	} else {
		inner.columns, inner.sort = nil, nil
	}
	l, err := outer.arrange(l)
	if err != nil {
		return err
	}
	for _, row := range l.rows {
		if err := a.print(&inner, l.properties(row)); err != nil {
			return err
		}
	}
	return nil
}

// arrange sorts the rows and selects the columns.
func (o *output) arrange(l listing) (listing, error) {
	if err := o.sortRows(l); err != nil {
		return l, err
	}
	return o.selectColumns(l)
}

// find returns the index of a column by its name or title.
func (l listing) find(name string) (int, error) {
	i := slices.IndexFunc(l.columns, func(c column) bool {
		return strings.EqualFold(name, c.name) || strings.EqualFold(name, c.title)
	})
	if i < 0 {
		var names []string
		for _, c := range l.columns {
			names = append(names, c.name)
		}
		return 0, hint(fmt.Errorf("no column %q", name), "there are %s", strings.Join(names, ", "))
	}
	return i, nil
}

// selectColumns leaves the columns that were asked for, in their own order; else
// all where there is room.
func (o *output) selectColumns(l listing) (listing, error) {
	var keep []int
	for _, name := range o.columns {
		i, err := l.find(name)
		if err != nil {
			return l, err
		}
		keep = append(keep, i)
	}
	wide := o.format.name == "wide" || o.structured() && !o.titles
	var selected listing
	selected.rows = make([][]any, len(l.rows))
	for i, c := range l.columns {
		if o.columns != nil && !slices.Contains(keep, i) || o.columns == nil && c.wide && !wide {
			continue
		}
		selected.columns = append(selected.columns, c)
		for n, row := range l.rows {
			selected.rows[n] = append(selected.rows[n], row[i])
		}
	}
	return selected, nil
}

func (o *output) sortRows(l listing) error {
	for _, name := range slices.Backward(o.sort) {
		column, err := l.find(name)
		if err != nil {
			return err
		}
		slices.SortStableFunc(l.rows, func(a, b []any) int {
			if o.descending {
				a, b = b, a
			}
			return compareCells(a[column], b[column])
		})
	}
	return nil
}

func compareCells(a, b any) int {
	if a, ok := a.(list); ok && len(a) == 1 {
		if b, ok := b.(list); ok && len(b) == 1 {
			return compareCells(a[0], b[0])
		}
	}
	if a, ok := a.(int); ok {
		if b, ok := b.(int); ok {
			return cmp.Compare(a, b)
		}
	}
	return cmp.Compare(cellText(a), cellText(b))
}
