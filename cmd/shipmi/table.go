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
func (a *app) printTable(header table.Row, rows []table.Row, left ...string) {
	var columns []table.ColumnConfig
	for _, name := range header {
		align := text.AlignCenter
		if slices.Contains(left, name.(string)) {
			align = text.AlignLeft
		}
		columns = append(columns, table.ColumnConfig{Name: name.(string), Align: align, AlignHeader: align})
	}
	t := table.NewWriter()
	t.SetOutputMirror(a.stdout)
	t.SetStyle(table.StyleDefault)
	t.Style().Format.Header = text.FormatDefault
	t.SetColumnConfigs(columns)
	t.AppendHeader(header)
	t.AppendRows(rows)
	t.Render()
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
