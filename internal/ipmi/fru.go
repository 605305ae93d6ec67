package ipmi

import (
	"encoding/binary"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

const (
	fruDevice  = 0x00 // ID of the only one, the managed system
	fruMaxRead = 32   // bytes in one answer: as many as every client takes
)

// getFRUInventoryAreaInfo asks the provider again: clients begin with this command, and
// then read the data that the size belongs to.
func getFRUInventoryAreaInfo(b *BMC, r *Request) Answer {
	if r.Data[0] != fruDevice {
		return reply(NotPresent)
	}
	b.inventory = nil
	return b.withInventory(func(f provider.FRU) Answer {
		const byBytes = 0x00
		return done(append(binary.LittleEndian.AppendUint16(nil, uint16(len(fruData(f)))), byBytes)...)
	})
}

// readFRUData sends as much of the data as fits into one answer.
func readFRUData(b *BMC, r *Request) Answer {
	offset, count := int(binary.LittleEndian.Uint16(r.Data[1:])), int(r.Data[3])
	switch {
	case r.Data[0] != fruDevice:
		return reply(NotPresent)
	case count == 0:
		return reply(InvalidField)
	}
	return b.withInventory(func(f provider.FRU) Answer {
		data := fruData(f)
		if offset >= len(data) {
			return reply(OutOfRange)
		}
		rest := data[offset:]
		n := min(count, fruMaxRead, len(rest))
		return done(append([]byte{byte(n)}, rest[:n]...)...)
	})
}

// writeFRUData writes nothing: the inventory comes from the settings and the provider.
// No code makes ipmitool 1.8.19 report that a write failed. With this one "ipmitool -v"
// prints which area is protected.
func writeFRUData(_ *BMC, r *Request) Answer {
	if r.Data[0] != fruDevice {
		return reply(NotPresent)
	}
	return reply(fruWriteProtected)
}

// withInventory completes an answer with the inventory as it was last read.
func (b *BMC) withInventory(then func(provider.FRU) Answer) Answer {
	if b.inventory != nil {
		return then(*b.inventory)
	}
	keep := func(r machine.Reading) Answer {
		f := b.Machine.Inventory(r)
		b.inventory = &f
		return then(f)
	}
	return ask(provider.FRUGet,
		func(r machine.Reading, _ machine.Moment) Answer { return keep(r) },
		func() Answer { return keep(machine.Reading{}) })
}

// Parts of FRU data, by the Platform Management FRU Information Storage
// Definition v1.0.
const (
	fruVersion   = 0x01
	fruEnglish   = 0x00
	fruEndOfArea = 0xC1
	fruUnit      = 8 // areas begin and end at multiples of it
)

// fruData lays out an inventory as a board (§11) and a product (§12). Fields that the
// inventory does not have are empty.
func fruData(f provider.FRU) []byte {
	const partNumber, version, fileID = "", "", ""
	made := []byte{0, 0, 0} // at a time that is not known
	board := fruArea(made, f.Manufacturer, f.Product, f.Serial, partNumber, fileID)
	product := fruArea(nil, f.Manufacturer, f.Product, partNumber, version, f.Serial, f.Asset, fileID)
	head := []byte{fruVersion,
		0, 0, 1, byte(1 + len(board)/fruUnit), 0, // internal use, chassis, board, product, more
		0}
	data := append(head, zeroSum(head))
	return append(append(data, board...), product...)
}

// fruArea lays out an area: a head, and the fields.
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

// zeroSum is the byte that makes the sum of all bytes zero.
func zeroSum(b []byte) (sum byte) {
	for _, v := range b {
		sum -= v
	}
	return sum
}
