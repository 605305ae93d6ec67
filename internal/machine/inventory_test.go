package machine

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

func TestInventory(t *testing.T) {
	m, _ := newMachine()
	m.FRU = provider.FRU{Manufacturer: "ACME", Product: "nothing", Asset: "7"}
	require.Equal(t, m.FRU, m.Inventory(Reading{}))
	reading := Reading{Has: true, FRU: provider.FRU{Product: "Rocket 20", Serial: "SN-001"}}
	require.Equal(t, provider.FRU{Manufacturer: "ACME", Product: "Rocket 20", Serial: "SN-001", Asset: "7"}, m.Inventory(reading))
}
