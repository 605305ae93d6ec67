package main

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// width returns how wide a table may be; 0: as wide as it is.
func (o *output) width(a *app) int {
	if o.maxWidth > 0 {
		return o.maxWidth
	}
	if isTerminal(a.stdout) {
		width, _, _ := term.GetSize(int(a.stdout.(descriptor).Fd())) // 0, if it does not tell
		return width
	}
	if !o.fitWidth {
		return 0
	}
	columns, err := strconv.Atoi(a.getenv("COLUMNS"))
	if err != nil {
		return 80
	}
	return columns
}

// leastWidth is what a column keeps, however narrow the table is to be.
const leastWidth = 8

// blanksAtEnd are what text.WrapSoft fills lines up with.
var blanksAtEnd = regexp.MustCompile(`(?m) +$`)

// fit breaks cells into lines, so that a table of them has a width if that can be. The
// narrowest columns have what they need, and the others divide among them what is left.
func fit(rows [][]string, width int) {
	widths := columnWidths(rows)
	columns := make([]int, len(widths))
	for i := range columns {
		columns[i] = i
	}
	slices.SortStableFunc(columns, func(a, b int) int { return cmp.Compare(widths[a], widths[b]) })
	room := width - 1 - 3*len(columns) // borders and blanks
	for i, column := range columns {
		share := max(room/(len(columns)-i), leastWidth)
		room -= min(widths[column], share)
		for _, row := range rows {
			row[column] = blanksAtEnd.ReplaceAllString(text.WrapSoft(row[column], share), "")
		}
	}
}

func columnWidths(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], text.LongestLineLen(cell))
		}
	}
	return widths
}
