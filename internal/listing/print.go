package listing

import (
	"cmp"
	"slices"

	"github.com/maruel/natural"

	"github.com/shipmi/shipmi/internal/terminal"
)

// Print prints a table to standard output.
func (o *Options) Print(t *terminal.Terminal, l Table) error {
	l, err := o.arrange(l)
	if err != nil {
		return err
	}
	switch o.form() {
	case "json":
		return o.writeJSON(t.Stdout, l)
	case "yaml":
		return o.writeYAML(t.Stdout, l)
	case "csv":
		return o.writeCSV(t.Stdout, l)
	case "value":
		return writeLines(t.Stdout, " ", cellText, l.Rows)
	default:
		return o.writeTable(t, l)
	}
}

// PrintProperties prints each row as a table of its own with one line for each cell, if
// the format is a table. With -f, it does so in every format, and the columns that -c
// selects are those of that table.
func (o *Options) PrintProperties(t *terminal.Terminal, l Table) error {
	if !o.titled() && o.form() != "table" && o.form() != "wide" {
		return o.Print(t, l)
	}
	outer, inner := *o, *o
	if o.titled() {
		outer.columns, outer.sort = nil, nil
	} else {
		inner.columns, inner.sort = nil, nil
	}
	l, err := outer.arrange(l)
	if err != nil {
		return err
	}
	for _, row := range l.Rows {
		if err := inner.Print(t, propertiesOf(l.Columns, row)); err != nil {
			return err
		}
	}
	return nil
}

// PropertyColumns returns the columns that PrintProperties accepts for -c, given those of
// the table.
func (o *Options) PropertyColumns(columns []Column) []Column {
	if o.titled() {
		return propertiesOf(columns, make([]any, len(columns))).Columns
	}
	return columns
}

// propertiesOf returns a table with a row for each cell that is not nil.
func propertiesOf(columns []Column, row []any) Table {
	left := columns[0].Left
	p := Table{properties: true, Columns: []Column{
		{Name: "property", Title: "Property", Left: left},
		{Name: "value", Title: "Value", Left: left, Prose: true},
	}}
	for i, c := range columns {
		if row[i] != nil {
			p.Rows = append(p.Rows, []any{c.Title, row[i]})
		}
	}
	return p
}

// arrange sorts the rows and selects the columns.
func (o *Options) arrange(l Table) (Table, error) {
	l.Rows = slices.Clone(l.Rows)
	for _, name := range slices.Backward(o.sort) {
		column, err := columnIndex(l.Columns, name)
		if err != nil {
			return l, err
		}
		slices.SortStableFunc(l.Rows, func(a, b []any) int {
			if o.descending {
				a, b = b, a
			}
			return compareCells(a[column], b[column])
		})
	}
	selected, err := o.selection(l)
	if err != nil {
		return l, err
	}
	arranged := Table{properties: l.properties, Rows: make([][]any, len(l.Rows))}
	for _, i := range selected {
		arranged.Columns = append(arranged.Columns, l.Columns[i])
		for n, row := range l.Rows {
			arranged.Rows[n] = append(arranged.Rows[n], row[i])
		}
	}
	return arranged, nil
}

// selection returns the indexes of the columns to print: those that -c names, in that
// order, or the usual ones. With -f, columns keep their own order, as in Python.
func (o *Options) selection(l Table) (selected []int, err error) {
	for _, name := range o.columns {
		i, err := columnIndex(l.Columns, name)
		if err != nil {
			return nil, err
		}
		selected = append(selected, i)
	}
	if o.titled() {
		slices.Sort(selected)
	}
	if o.columns != nil {
		return selected, nil
	}
	records := !o.titled() && slices.Contains([]string{"json", "yaml"}, o.format.value)
	wide := records || !o.titled() && o.format.value == "wide"
	isTable := !o.titled() && slices.Contains([]string{"table", "wide"}, o.format.value)
	for i, c := range l.Columns {
		hasValue := slices.ContainsFunc(l.Rows, func(row []any) bool { return row[i] != nil })
		switch {
		case c.Optional && (records || isTable && hasValue), !c.Optional && (wide || !c.Wide):
			selected = append(selected, i)
		}
	}
	return selected, nil
}

func compareCells(a, b any) int {
	if a, ok := a.(List); ok && len(a) == 1 {
		if b, ok := b.(List); ok && len(b) == 1 {
			return compareCells(a[0], b[0])
		}
	}
	if a, ok := a.(int); ok {
		if b, ok := b.(int); ok {
			return cmp.Compare(a, b)
		}
	}
	return natural.Compare(cellText(a), cellText(b))
}
