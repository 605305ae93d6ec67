package provider

// A FRU is the label of the managed machine. Its fields are printable ASCII of at most 63 bytes; an empty field is not
// known.
type FRU struct {
	Manufacturer, Product, Serial, Asset string
}
