package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// A page is what is to be seen at once on a terminal, of which it has the descriptor.
type page struct {
	bytes.Buffer
	descriptor
}

// show puts the page in the place of what is there, without a blank screen in between.
func (p *page) show(terminal io.Writer) error {
	width, height, err := term.GetSize(int(p.Fd()))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(terminal, "\x1b[H%s\x1b[J", clip(p.String(), width, height))
	return err
}

// clip takes what there is room for on a screen, whose last line is for the cursor. A
// line says how many lack. What was on the screen behind a line is cleared.
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
