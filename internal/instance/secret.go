package instance

// A Secret is a text that fmt and slog cannot print. A String method alone would not be enough: fmt ignores the methods of
// values in unexported fields, and prints pointed-to values with a wrong verb. Secret therefore holds a function, which fmt
// prints as an address, whatever the verb. The zero value is the empty text.
type Secret struct{ reveal func() string }

// Hide returns text as a Secret.
func Hide(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{func() string { return text }}
}

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// String returns three asterisks.
func (Secret) String() string { return "***" }
