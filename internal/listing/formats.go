package listing

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// records returns an object for each row. With -f, a field is a text, a number or a
// boolean, as in Python.
func (o *Options) records(l Table) []map[string]any {
	records := make([]map[string]any, len(l.Rows))
	for i, row := range l.Rows {
		records[i] = make(map[string]any)
		for n, c := range l.Columns {
			cell := row[n]
			if o.titled() {
				cell = flat(cell)
			}
			records[i][o.field(c)] = cell
		}
	}
	return records
}

// flat makes a text, a number or a boolean of a cell.
func flat(cell any) any {
	switch cell := cell.(type) {
	case List:
		if len(cell) == 1 {
			return cell[0]
		}
	case nil, bool, int:
		return cell
	}
	return cellText(cell)
}

// field returns the name of a column in formats for programs.
func (o *Options) field(c Column) string {
	if o.titled() {
		return c.Title
	}
	return c.Name
}

func (o *Options) writeJSON(w io.Writer, l Table) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if !o.noIndent {
		e.SetIndent("", "  ")
	}
	return e.Encode(o.records(l))
}

// writeYAML converts the JSON, so that both have the same fields.
func (o *Options) writeYAML(w io.Writer, l Table) error {
	text, err := json.Marshal(o.records(l))
	if err != nil {
		return err
	}
	var plain any
	if err := yaml.Unmarshal(text, &plain); err != nil {
		return err
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	return e.Encode(plain)
}

// writeCSV prints RFC 4180. encoding/csv quotes a field only if it must. The other ways
// of quoting come from Python's csv module.
func (o *Options) writeCSV(w io.Writer, l Table) error {
	rows := l.Rows
	if !o.noHeaders {
		var names []any
		for _, c := range l.Columns {
			names = append(names, o.field(c))
		}
		rows = slices.Insert(slices.Clone(rows), 0, names)
	}
	switch o.quote.value {
	case "minimal":
		c := csv.NewWriter(w)
		for _, row := range rows {
			var texts []string
			for _, cell := range row {
				texts = append(texts, cellText(cell))
			}
			if err := c.Write(texts); err != nil {
				return err
			}
		}
		c.Flush()
		return c.Error()
	case "none":
		return writeLines(w, ",", escapeField, rows)
	case "all":
		return writeLines(w, ",", quoteField, rows)
	default:
		return writeLines(w, ",", quoteText, rows)
	}
}

// writeLines prints a line for each row.
func writeLines(w io.Writer, separator string, format func(cell any) string, rows [][]any) error {
	for _, row := range rows {
		var texts []string
		for _, cell := range row {
			texts = append(texts, format(cell))
		}
		if _, err := fmt.Fprintln(w, strings.Join(texts, separator)); err != nil {
			return err
		}
	}
	return nil
}

func escapeField(cell any) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `"`, `\"`).Replace(cellText(cell))
}

func quoteField(cell any) string { return `"` + strings.ReplaceAll(cellText(cell), `"`, `""`) + `"` }

// quoteText quotes everything but numbers.
func quoteText(cell any) string {
	if _, isNumber := flat(cell).(int); isNumber {
		return cellText(cell)
	}
	return quoteField(cell)
}
