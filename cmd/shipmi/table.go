package main

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// printTable prints rows below a header. All columns are centred but the given
// ones.
func (a *app) printTable(header []string, rows [][]string, left ...string) {
	rows = append([][]string{header}, rows...)
	for column, name := range header {
		if !slices.Contains(left, name) {
			centre(rows, column)
		}
	}
	t := table.NewWriter()
	t.SetOutputMirror(a.stdout)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(cells(rows[0]))
	for _, row := range rows[1:] {
		t.AppendRow(cells(row))
	}
	t.Render()
}

// centre pads a column as the predecessor does: of a blank that is left over, a
// text of odd length has it behind, and a text of even length before it.
func centre(rows [][]string, column int) {
	width := 0
	for _, row := range rows {
		width = max(width, text.StringWidth(row[column]))
	}
	for _, row := range rows {
		length := text.StringWidth(row[column])
		blanks := width - length
		before := (blanks + 1 - length%2) / 2
		row[column] = strings.Repeat(" ", before) + row[column] + strings.Repeat(" ", blanks-before)
	}
}

func cells(row []string) table.Row {
	var all table.Row
	for _, cell := range row {
		all = append(all, cell)
	}
	return all
}

// addresses and ports describe where a BMC listens in a cell each.
func addresses(listen []netip.AddrPort) string {
	var texts []string
	for _, addr := range listen {
		texts = append(texts, addr.Addr().String())
	}
	return strings.Join(texts, ", ")
}

func ports(listen []netip.AddrPort) string {
	var texts []string
	for _, addr := range listen {
		texts = append(texts, strconv.Itoa(int(addr.Port())))
	}
	return strings.Join(slices.Compact(texts), ", ")
}
