package docs

import (
	"fmt"
	"html"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// The picture of a session that the README shows. TestPictureIsReal types testdata/picture.commands into the machine, and
// keeps what the terminal has shown in session.txt; the picture is made of that.
const (
	sessionText    = root + "/docs/pictures/session.txt"
	sessionPicture = root + "/docs/pictures/session.svg"
)

// A picture that is missing is written.
func TestPicture(t *testing.T) {
	text, err := os.ReadFile(sessionText)
	require.NoError(t, err)
	want := drawTerminal(string(text))
	kept, err := os.ReadFile(sessionPicture)
	if os.IsNotExist(err) {
		require.NoError(t, os.WriteFile(sessionPicture, []byte(want), 0o644))
		return
	}
	require.NoError(t, err)
	require.Equal(t, want, string(kept), "remove the picture and run the test again to accept the change")
}

// The measures of a terminal, in pixels.
const (
	cellWidth  = 8.4 // of DejaVu Sans Mono in 14 pixels
	lineHeight = 21
	margin     = 18
	titleBar   = 30
)

// noBreak is a space that no program that shows an SVG leaves out, as it may do with one of several spaces.
const noBreak = "\u00a0"

// drawTerminal returns an SVG of a terminal that shows text. Lines that begin with "$ " were typed.
func drawTerminal(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	columns := 0
	for _, line := range lines {
		columns = max(columns, utf8.RuneCountInString(line))
	}
	width, height := int(float64(columns)*cellWidth)+2*margin, len(lines)*lineHeight+2*margin+titleBar
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">
<title>A session in a terminal</title>
<rect width="100%%" height="100%%" rx="9" fill="#161b22"/>
<circle cx="20" cy="17" r="6" fill="#ff5f57"/><circle cx="40" cy="17" r="6" fill="#febc2e"/><circle cx="60" cy="17" r="6" fill="#28c840"/>
<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="#aeb8c2">
`, width, height, width, height)
	for i, line := range lines {
		shown := strings.ReplaceAll(html.EscapeString(line), " ", noBreak)
		if typed, prompt := strings.CutPrefix(shown, "$"+noBreak); prompt {
			shown = `<tspan fill="#3fb950">$` + noBreak + `</tspan><tspan fill="#f0f3f6" font-weight="bold">` + typed + `</tspan>`
		}
		length := float64(utf8.RuneCountInString(line)) * cellWidth
		fmt.Fprintf(&b, `<text x="%d" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs">%s</text>`+"\n",
			margin, titleBar+margin+i*lineHeight+lineHeight/2, length, shown)
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

func TestDrawTerminal(t *testing.T) {
	svg := drawTerminal("$ echo '<b>'\n<b>\n")
	require.Contains(t, svg, `font-weight="bold">echo`+noBreak+`&#39;&lt;b&gt;&#39;</tspan></text>`)
	require.Contains(t, svg, `viewBox="0 0 136 108"`, "12 columns, 2 lines")
}
