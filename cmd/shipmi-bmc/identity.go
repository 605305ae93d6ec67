package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/shipmi/shipmi/internal/identity"
	"github.com/shipmi/shipmi/internal/instance"
)

// systemGUID is the UUID of the managed system: the one of the settings, or one of the BMC's name.
func systemGUID(managerID string, set instance.Instance) (guid [16]byte) {
	if set.SystemUUID == "" {
		return identity.GUID(managerID, set.Name)
	}
	digits := strings.ReplaceAll(set.SystemUUID, "-", "")
	_, _ = hex.Decode(guid[:], []byte(digits)) // the settings are checked
	slices.Reverse(guid[:])
	return guid
}

// hostName is the name of the host; empty if it has none.
func hostName() string {
	name, _ := os.Hostname()
	return name
}

// firmware returns the firmware revision for a version such as v1.2.3: 1 and 2.
func firmware(version string) (revision [2]byte) {
	_, _ = fmt.Sscanf(version, "v%d.%d", &revision[0], &revision[1])
	return revision
}
