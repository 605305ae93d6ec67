package units

import (
	"fmt"
	"hash/fnv"

	"github.com/coreos/go-systemd/v22/unit"
)

const sliceSetting = "Slice"

// sliceCount is how many slices BMCs are spread over. Whenever a unit starts or stops, systemd
// goes through all units of its slice. By default, all instances of a template are in one
// slice: a daemon-reload with 2,000 BMCs then took 11 s, and takes 2.5 s with 64 slices.
const sliceCount = 64

// sliceOption is the setting of a socket or a service that puts the units of a BMC into a
// slice. The slice depends on the name of the BMC alone.
func (s Store) sliceOption(section, name string) *unit.UnitOption {
	hash := fnv.New32a()
	hash.Write([]byte(name))
	return unit.NewUnitOption(section, sliceSetting, fmt.Sprintf("%s-shipmi-%02x.slice", s.Slice, hash.Sum32()%sliceCount))
}
