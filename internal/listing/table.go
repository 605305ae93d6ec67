package listing

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

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
	Name     string
	Title    string
	Left     bool // aligned to the left in a table; other columns are centered
	Wide     bool // in a table only with -o wide or -c
	Optional bool // in JSON and YAML, in a table only if a row has a value, else only with -c
	Prose    bool // a table may break the text between words
	Colors   func(cell string) text.Colors
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
