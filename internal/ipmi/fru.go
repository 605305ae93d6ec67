package ipmi

import (
	"cmp"
	"encoding/binary"

	"github.com/shipmi/shipmi/internal/provider"
)

const (
	fruDevice  = 0x00 // ID of the only one, the managed system
	fruMaxRead = 32   // bytes in one answer: what every console takes
)

// getFRUInventoryAreaInfo is where consoles begin: the provider is asked anew,
// and what it says is what they then read.
func getFRUInventoryAreaInfo(b *BMC, r *Request) Answer {
	if r.Data[0] != fruDevice {
		return reply(NotPresent)
	}
	b.inventory = nil
	return b.withInventory(func(data []byte) Answer {
		const byBytes = 0x00
		return done(append(binary.LittleEndian.AppendUint16(nil, uint16(len(data))), byBytes)...)
	})
}

// readFRUData sends as much as it may of what was asked for.
func readFRUData(b *BMC, r *Request) Answer {
	offset, count := int(binary.LittleEndian.Uint16(r.Data[1:])), int(r.Data[3])
	switch {
	case r.Data[0] != fruDevice:
		return reply(NotPresent)
	case count == 0:
		return reply(InvalidField)
	}
	return b.withInventory(func(data []byte) Answer {
		if offset >= len(data) {
			return reply(OutOfRange)
		}
		rest := data[offset:]
		n := min(count, fruMaxRead, len(rest))
		return done(append([]byte{byte(n)}, rest[:n]...)...)
	})
}

// writeFRUData writes nothing: the inventory is what settings and provider say.
func writeFRUData(_ *BMC, r *Request) Answer {
	if r.Data[0] != fruDevice {
		return reply(NotPresent)
	}
	return reply(fruWriteProtected)
}

// withInventory completes an answer with the FRU data, as they were last read.
// What the provider does not know is as in the settings.
func (b *BMC) withInventory(then func(data []byte) Answer) Answer {
	if b.inventory != nil {
		return then(b.inventory)
	}
	keep := func(f provider.FRU) Answer {
		b.inventory = fruData(f)
		return then(b.inventory)
	}
	return b.run(Script{Verb: provider.FRUGet, Then: func(res Result) Answer {
		if res.Err != nil {
			return outcomeOf(res.Err).answer()
		}
		return keep(provider.FRU{
			Manufacturer: cmp.Or(res.FRU.Manufacturer, b.FRU.Manufacturer),
			Product:      cmp.Or(res.FRU.Product, b.FRU.Product),
			Serial:       cmp.Or(res.FRU.Serial, b.FRU.Serial),
			Asset:        cmp.Or(res.FRU.Asset, b.FRU.Asset),
		})
	}}, func() Answer { return keep(b.FRU) })
}

// Parts of FRU data, by the Platform Management FRU Information Storage
// Definition v1.0.
const (
	fruVersion   = 0x01
	fruEnglish   = 0x00
	fruEndOfArea = 0xC1
	fruUnit      = 8 // areas begin and end at multiples of it
)

// fruData lays out an inventory as a board (§11) and a product (§12). Fields
// that we know nothing of are there, and empty.
func fruData(f provider.FRU) []byte {
	const partNumber, version, fileID = "", "", ""
	made := []byte{0, 0, 0} // not known when
	board := fruArea(made, f.Manufacturer, f.Product, f.Serial, partNumber, fileID)
	product := fruArea(nil, f.Manufacturer, f.Product, partNumber, version, f.Serial, f.Asset, fileID)
	head := []byte{fruVersion,
		0, 0, 1, byte(1 + len(board)/fruUnit), 0, // internal use, chassis, board, product, more
		0}
	data := append(head, zeroSum(head))
	return append(append(data, board...), product...)
}

// fruArea lays out an area: what comes before its fields, and the fields.
func fruArea(head []byte, fields ...string) []byte {
	b := append([]byte{fruVersion, 0, fruEnglish}, head...)
	for _, text := range fields {
		if len(text) == 1 {
			text += " " // type and length of a single letter would be the end of the area
		}
		b = append(append(b, latin1|byte(len(text))), text...)
	}
	b = append(b, fruEndOfArea)
	for len(b)%fruUnit != fruUnit-1 {
		b = append(b, 0)
	}
	b[1] = byte((len(b) + 1) / fruUnit)
	return append(b, zeroSum(b))
}

// zeroSum is the byte that makes the sum of all zero.
func zeroSum(b []byte) (sum byte) {
	for _, v := range b {
		sum -= v
	}
	return sum
}
