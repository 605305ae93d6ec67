package instance

import "fmt"

// A FRU identifies the managed machine: field replaceable unit information. The administrator sets the fields. A value from
// the provider overrides that of the administrator.
type FRU struct {
	Manufacturer, Product, Serial, Asset string // printable ASCII of at most 63 bytes; empty if not set
}

// maxFRU is the maximum length of a field in bytes: FRU data has six bits for a length.
const maxFRU = 63

var fruKeys = []struct {
	name     string
	variable string
	field    func(*FRU) *string
}{
	{"manufacturer", "SHIPMI_FRU_MANUFACTURER", func(f *FRU) *string { return &f.Manufacturer }},
	{"product", "SHIPMI_FRU_PRODUCT", func(f *FRU) *string { return &f.Product }},
	{"serial", "SHIPMI_FRU_SERIAL", func(f *FRU) *string { return &f.Serial }},
	{"asset", "SHIPMI_FRU_ASSET", func(f *FRU) *string { return &f.Asset }},
}

// Set sets the field with that name: manufacturer, product, serial or asset. It returns an error, and changes nothing, for
// another name and for a value that is not valid.
func (f *FRU) Set(name, value string) error {
	for _, key := range fruKeys {
		if key.name != name {
			continue
		}
		if err := checkFRU(value); err != nil {
			return err
		}
		*key.field(f) = value
		return nil
	}
	return fmt.Errorf("%q: want manufacturer, product, serial or asset", name)
}

func checkFRU(value string) error {
	if len(value) > maxFRU {
		return fmt.Errorf("%q has %d bytes, want at most %d", value, len(value), maxFRU)
	}
	for _, b := range []byte(value) {
		if b < ' ' || b > '~' {
			return fmt.Errorf("%q: want printable ASCII", value)
		}
	}
	return nil
}
