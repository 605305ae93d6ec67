package listing

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFit(t *testing.T) {
	l := Table{
		Columns: []Column{{Title: "Name"}, {Title: "Status"}, {Title: "Comment", Prose: true}},
		Rows:    [][]any{{"node-0", "running", "rack 3, top, behind the door"}},
	}
	for width, want := range map[int][]string{
		80: {"node-0", "running", "rack 3, top, behind the door"},
		44: {"node-0", "running", "rack 3, top, behind\nthe door"},
		34: {"node-0", "running", "rack 3,\ntop, behind\nthe door"},
		31: {"node-0", "running", "rack 3,\ntop,\nbehind\nthe door"},
		30: {"node-0", "running", "rack 3,\ntop,\nbehind\nthe\ndoor"},
		29: {"node-0", "running"},
		20: {"node-0", "running"},
		19: {"node-0"},
		1:  {"node-0"}, // a name is printed whole, and the table is too wide
	} {
		header, rows := l.texts(true)
		all := append(rows, header)
		columns := l.fit(all, width)
		require.Equal(t, want, all[0][:columns], "%d", width)
	}
	require.Equal(t, 3, Table{Columns: l.Columns}.fit(nil, 80))
}

// No width breaks a name, an address or a path, or makes a line longer than the width, as
// long as a column is left that could be dropped.
func TestFitBreaksNothing(t *testing.T) {
	const path = "/etc/shipmi/providers/a-provider-with-a-long-name.conf"
	l := Table{
		Columns: []Column{
			{Title: "Name"}, {Title: "Address"}, {Title: "Comment", Prose: true}, {Title: "Provider"}, {Title: "Last action", Prose: true},
		},
		Rows: [][]any{
			{"rack-3-node-12", List{"192.0.2.101", "2001:db8::1:2:3", "fe80::1%eth0"}, "see " + path, path, "power on: done"},
			{"n1", List{"::"}, "", "two words", nil},
		},
	}
	for width := range 200 {
		header, rows := l.texts(true)
		all := append(rows, header)
		columns := l.fit(all, width)
		total := leftBorder
		for _, w := range columnWidths(all, columns) {
			total += cellPadding + w
		}
		require.True(t, columns == 1 || total <= width, "%d columns are %d wide, not %d", columns, total, width)
		for n, row := range all[:len(l.Rows)] {
			for i, cell := range row[:columns] {
				text := cellText(l.Rows[n][i])
				require.Equal(t, text, strings.ReplaceAll(cell, "\n", " "), "%d", width)
				if i == 0 || i == 3 {
					require.Equal(t, text, cell, "%d", width)
				}
			}
		}
	}
}

func TestFitKeepsValues(t *testing.T) {
	l := propertiesOf([]Column{{Title: "file"}}, []any{"/etc/shipmi/providers/libvirt.conf"})
	_, rows := l.texts(true)
	require.Equal(t, 2, l.fit(rows, 20))
	require.Equal(t, "/etc/shipmi/providers/libvirt.conf", rows[0][1])
}
