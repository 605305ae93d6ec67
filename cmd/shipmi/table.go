package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A listing is what a command has to show: rows of cells in columns. A cell is nil,
// a text, a number, a boolean, a list of those, or a struct with JSON tags that can
// print itself.
type listing struct {
	columns []column
	rows    [][]any
}

// A column has a name, which scripts rely on, and a title, which people and the
// scripts of the predecessor know it by.
type column struct {
	name  string
	title string
	left  bool // flush left in a table; others are centred
	wide  bool // not in a table, unless it is asked for
	paint func(cell string) text.Colors
}

// list is a cell with several values. A single one looks like itself.
type list []any

func (l list) String() string {
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

// properties turns a listing of one row by a quarter: a row for each cell that says
// something.
func (l listing) properties(row []any) listing {
	left := l.columns[0].left
	p := listing{columns: []column{{name: "property", title: "Property", left: left}, {name: "value", title: "Value", left: left}}}
	for i, c := range l.columns {
		if row[i] != nil {
			p.rows = append(p.rows, []any{c.title, row[i]})
		}
	}
	return p
}

// writeTable prints a table in the look of the predecessor.
func (o *output) writeTable(a *app, l listing) error {
	t := table.NewWriter()
	t.Style().Format.Header = text.FormatDefault
	header, rows := l.texts(!o.noHeaders)
	all := append(rows, header)
	if width := o.width(a); width > 0 {
		fit(all, width)
	}
	for i, width := range columnWidths(all) {
		c := l.columns[i]
		if !c.left {
			centre(all, i, width)
		}
		if c.paint != nil && a.colours(a.stdout) {
			for _, row := range rows {
				row[i] = c.paint(strings.TrimSpace(row[i])).Sprint(row[i])
			}
		}
	}
	if !o.noHeaders {
		t.AppendHeader(tableRow(header))
	}
	for _, row := range rows {
		t.AppendRow(tableRow(row))
	}
	_, err := fmt.Fprintln(a.stdout, t.Render())
	return err
}

// texts returns the titles, empty ones if there is to be no header, and all cells.
func (l listing) texts(titles bool) (header []string, rows [][]string) {
	header = make([]string, len(l.columns))
	for i, c := range l.columns {
		if titles {
			header[i] = c.title
		}
	}
	for _, cells := range l.rows {
		row := make([]string, len(cells))
		for i, cell := range cells {
			row[i] = cellText(cell)
		}
		rows = append(rows, row)
	}
	return header, rows
}

// centre pads a column as the predecessor does: of a blank that is left over, a
// text of odd length has it behind, and a text of even length before it.
func centre(rows [][]string, column, width int) {
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
