package instance

import "fmt"

// A FRU is what stands on the label of the managed system, as far as its
// administrator says so. What a provider knows better comes first.
type FRU struct {
	Manufacturer, Product, Serial, Asset string
}

// maxFRU is how many bytes a field may have: FRU data has six bits for its length.
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

// Set changes the field manufacturer, product, serial or asset. It changes nothing
// when it returns an error.
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
