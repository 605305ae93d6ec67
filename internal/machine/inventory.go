package machine

import (
	"cmp"

	"github.com/shipmi/shipmi/internal/provider"
)

// Inventory is what the label of the managed system says. A field that the script of
// [provider.FRUGet] does not know is the one of the settings.
func (m *Machine) Inventory(r Reading) provider.FRU {
	return provider.FRU{
		Manufacturer: cmp.Or(r.FRU.Manufacturer, m.FRU.Manufacturer),
		Product:      cmp.Or(r.FRU.Product, m.FRU.Product),
		Serial:       cmp.Or(r.FRU.Serial, m.FRU.Serial),
		Asset:        cmp.Or(r.FRU.Asset, m.FRU.Asset),
	}
}
