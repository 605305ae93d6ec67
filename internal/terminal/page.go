package terminal

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// A page collects the output that one screen is to show. It has the descriptor of the
// terminal, so that whatever prints to it uses the colors and the width of the terminal.
type page struct {
	bytes.Buffer
	descriptor
}

// show replaces the content of the screen. The screen is never blank in between.
func (p *page) show(screen io.Writer) error {
	width, height, err := term.GetSize(int(p.Fd()))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(screen, "\x1b[H%s\x1b[J", clip(p.String(), width, height))
	return err
}

// clip returns the part of all that fits on a screen, whose last line is left to the
// cursor. If lines are missing, the last one says how many. The rest of each line on the
// screen is cleared.
func clip(all string, width, height int) string {
	lines := strings.SplitAfter(strings.TrimSuffix(all, "\n"), "\n")
	if room := max(height-2, 1); len(lines) > room+1 {
		lines = append(lines[:room:room], fmt.Sprintf("… %d lines more", len(lines)-room))
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(text.Trim(strings.TrimSuffix(line, "\n"), width) + "\x1b[K\n")
	}
	return b.String()
}
