// Package docs has the pages of the documentation, for the program that prints them. It does not
// know which of them there are, and changes nothing in them. Start reading at Page.
package docs

import "embed"

//go:embed *.md
var pages embed.FS

// Page returns the Markdown of a page by the name of its file, as in "glossary.md". It returns the
// error of embed.FS.ReadFile if there is none.
func Page(file string) (string, error) {
	text, err := pages.ReadFile(file)
	return string(text), err
}
