package listing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/maruel/natural"

	"github.com/shipmi/shipmi/internal/terminal"
)

// A Table is rows of cells in columns. A cell is nil, a text, a number, a boolean, a List,
// or a struct with JSON tags and a String method.
type Table struct {
	Columns []Column
	Rows    [][]any

	properties bool // two columns, neither of which makes sense alone
}

// A Column has a name, on which scripts rely, and a title for people. Scripts that were
// written for ShIPMI in Python know the title.
type Column struct {
	Name   string
	Title  string
	Left   bool // aligned to the left in a table; other columns are centered
	Wide   bool // in a table only with -o wide or -c
	Prose  bool // a table may break the text between words
	Colors func(cell string) text.Colors
}

// A List is a cell with several values. A table may break it between them.
type List []any

// Texts returns a List of texts. Its JSON is [] if there are none.
func Texts[T ~string](all []T) List {
	l := List{}
	for _, text := range all {
		l = append(l, string(text))
	}
	return l
}

// TextOrNil returns a cell for text. JSON shows an empty text as null, and a table of
// properties leaves it out.
func TextOrNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (l List) String() string {
	var texts []string
	for _, v := range l {
		texts = append(texts, fmt.Sprint(v))
	}
	return strings.Join(texts, ", ")
}

func cellText(cell any) string {
	if cell == nil {
		return ""
	}
	return fmt.Sprint(cell)
}

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
	selected, err := o.selection(l.Columns)
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
func (o *Options) selection(columns []Column) (selected []int, err error) {
	for _, name := range o.columns {
		i, err := columnIndex(columns, name)
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
	wide := !o.titled() && slices.Contains([]string{"wide", "json", "yaml"}, o.format.value)
	for i, c := range columns {
		if wide || !c.Wide {
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

// writeTable prints a table with the borders and the alignment of ShIPMI in Python.
func (o *Options) writeTable(t *terminal.Terminal, l Table) error {
	header, rows := l.texts(!o.noHeaders)
	all := append(rows, header)
	if width := o.width(t); width > 0 {
		fitting := l.fit(all, width)
		if dropped := l.Columns[fitting:]; len(dropped) > 0 {
			var names []string
			for _, c := range dropped {
				names = append(names, c.Name)
			}
			t.Warn("there is no room for these columns: %s; choose columns with -c, or see all with -o json", strings.Join(names, ", "))
		}
		l.Columns = l.Columns[:fitting]
		for i := range all {
			all[i] = all[i][:fitting]
		}
		header = all[len(rows)]
	}
	for i, width := range columnWidths(all, len(l.Columns)) {
		c := l.Columns[i]
		if !c.Left {
			center(all, i, width)
		}
		if c.Colors != nil && t.HasColors(t.Stdout) {
			for _, row := range all[:len(rows)] {
				row[i] = c.Colors(strings.TrimSpace(row[i])).Sprint(row[i])
			}
		}
	}
	w := table.NewWriter()
	w.Style().Format.Header = text.FormatDefault
	if !o.noHeaders {
		w.AppendHeader(tableRow(header))
	}
	for _, row := range all[:len(rows)] {
		w.AppendRow(tableRow(row))
	}
	_, err := fmt.Fprintln(t.Stdout, w.Render())
	return err
}

// texts returns the titles, or empty texts if there is to be no header, and all cells.
func (l Table) texts(titles bool) (header []string, rows [][]string) {
	header = make([]string, len(l.Columns))
	for i, c := range l.Columns {
		if titles {
			header[i] = c.Title
		}
	}
	for _, cells := range l.Rows {
		row := make([]string, len(cells))
		for i, cell := range cells {
			row[i] = cellText(cell)
		}
		rows = append(rows, row)
	}
	return header, rows
}

// center pads a column the way ShIPMI in Python does: if one blank is left over, a text of
// odd length has it behind, and a text of even length has it before.
func center(rows [][]string, column, width int) {
	for _, row := range rows {
		lines := strings.Split(row[column], "\n")
		for i, line := range lines {
			length := text.StringWidth(line)
			blanks := width - length
			before := (blanks + 1 - length%2) / 2
			lines[i] = strings.Repeat(" ", before) + line + strings.Repeat(" ", blanks-before)
		}
		row[column] = strings.Join(lines, "\n")
	}
}

func tableRow(cells []string) table.Row {
	var row table.Row
	for _, cell := range cells {
		row = append(row, cell)
	}
	return row
}
