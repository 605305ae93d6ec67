package instance

// A Secret keeps a text out of every print-out. It holds a func because fmt
// ignores the methods of values in unexported fields, and prints what they
// point to under a wrong verb; a func prints as an address, whatever the verb.
// The zero value is the empty text.
type Secret struct{ reveal func() string }

// Hide makes a Secret of text.
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

func (Secret) String() string { return "***" }
