package listing

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/shipmi/shipmi/internal/terminal"
)

// width returns the maximum width of a table, or 0 if there is none.
func (o *Options) width(t *terminal.Terminal) int {
	switch width := t.Width(); {
	case o.maxWidth > 0:
		return int(o.maxWidth)
	case width > 0:
		return width
	case o.fitWidth:
		return t.Columns()
	default:
		return 0
	}
}

// Around every cell there is a blank on both sides and a border on the right. The table
// has one more border on the left.
const (
	cellPadding = 3
	leftBorder  = 1
)

// blanksAtEnd are what text.WrapSoft pads lines with.
var blanksAtEnd = regexp.MustCompile(`(?m) +$`)

// fit breaks cells into lines so that the table is at most width wide, and returns how many
// columns have room. Only prose and lists are broken, and only between words. rows holds
// the header, too.
func (l Table) fit(rows [][]string, width int) (columns int) {
	least, most := l.leastWidths(rows), columnWidths(rows, len(l.Columns))
	columns, kept := len(l.Columns), 1
	if l.properties {
		kept = columns
	}
	room := width - leftBorder - cellPadding*columns
	for _, w := range least {
		room -= w
	}
	for ; room < 0 && columns > kept; columns-- {
		room += cellPadding + least[columns-1]
	}

	// The columns that need the least get what they need. The others share the rest.
	order := make([]int, columns)
	for i := range order {
		order[i] = i
	}
	need := func(column int) int { return most[column] - least[column] }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(need(a), need(b)) })
	room = max(room, 0)
	for i, column := range order {
		share := min(need(column), room/(columns-i))
		room -= share
		for _, row := range rows {
			row[column] = blanksAtEnd.ReplaceAllString(text.WrapSoft(row[column], least[column]+share), "")
		}
	}
	return columns
}

// leastWidths returns for each column the width below which a cell would have to be broken
// where it must not be.
func (l Table) leastWidths(rows [][]string) []int {
	least := make([]int, len(l.Columns))
	for n, row := range rows {
		for i, cell := range row {
			breakable := l.Columns[i].Prose
			if n < len(l.Rows) {
				_, isList := l.Rows[n][i].(List)
				breakable = breakable || isList
			}
			parts := []string{cell}
			if breakable {
				parts = strings.Fields(cell)
			}
			for _, part := range parts {
				least[i] = max(least[i], text.LongestLineLen(part))
			}
		}
	}
	return least
}

func columnWidths(rows [][]string, columns int) []int {
	widths := make([]int, columns)
	for _, row := range rows {
		for i, cell := range row[:columns] {
			widths[i] = max(widths[i], text.LongestLineLen(cell))
		}
	}
	return widths
}
