package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// records returns a map for each row. To the predecessor, a cell is a text or a
// number.
func (o *output) records(l listing) []map[string]any {
	records := make([]map[string]any, len(l.rows))
	for i, row := range l.rows {
		records[i] = make(map[string]any)
		for n, c := range l.columns {
			records[i][o.field(c)] = row[n]
			if o.titles {
				records[i][o.field(c)] = flat(row[n])
			}
		}
	}
	return records
}

// flat makes one text or number of a cell.
func flat(cell any) any {
	switch cell := cell.(type) {
	case list:
		if len(cell) == 1 {
			return cell[0]
		}
	case nil, bool, int:
		return cell
	}
	return cellText(cell)
}

// field is what a column is called outside of tables.
func (o *output) field(c column) string {
	if o.titles {
		return c.title
	}
	return c.name
}

func (o *output) writeJSON(w io.Writer, l listing) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if !o.noIndent {
		e.SetIndent("", "  ")
	}
	return e.Encode(o.records(l))
}

// writeYAML goes by way of JSON, so that both say the same.
func (o *output) writeYAML(w io.Writer, l listing) error {
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

// writeLines prints a line for each row and, if there are columns, one for their
// names.
func (o *output) writeLines(w io.Writer, l listing, separator string, quote func(any) string) error {
	rows := l.rows
	if l.columns != nil && !o.noHeaders {
		var names []any
		for _, c := range l.columns {
			names = append(names, o.field(c))
		}
		rows = slices.Insert(slices.Clone(rows), 0, names)
	}
	for _, row := range rows {
		var texts []string
		for _, cell := range row {
			texts = append(texts, quote(cell))
		}
		if _, err := fmt.Fprintln(w, strings.Join(texts, separator)); err != nil {
			return err
		}
	}
	return nil
}

// quoteCSV quotes all but numbers (RFC 4180) or, as the predecessor does on request,
// all, what must be, or nothing.
func (o *output) quoteCSV(cell any) string {
	text := cellText(cell)
	_, isNumber := flat(cell).(int)
	switch {
	case o.quote.name == "none":
		return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `"`, `\"`).Replace(text)
	case o.quote.name == "minimal" && !strings.ContainsAny(text, `,"`), o.quote.name != "all" && isNumber:
		return text
	default:
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
}
