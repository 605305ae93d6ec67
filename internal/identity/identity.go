// Package identity tells BMCs apart: it makes UUIDs that stay the same when a BMC is restarted, and that differ for BMCs of the
// same name on two hosts. Start reading at GUID.
package identity

import (
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// MachineIDFile has the machine ID of the host, see machine-id(5).
const MachineIDFile = "/etc/machine-id"

const machineIDLen = 32

// MachineID reads the machine ID from its file.
func MachineID(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("machine ID: %w", err)
	}
	id := strings.TrimSpace(string(text))
	if len(id) != machineIDLen {
		return "", fmt.Errorf("machine ID: %s has %q: want %d digits, see systemd-machine-id-setup(1)", file, id, machineIDLen)
	}
	return id, nil
}

// ManagerID identifies the systemd that runs this process. The system manager of a host has the machine ID. The manager
// of a user, which has BMCs of its own under the same names, has the user ID as well.
func ManagerID(machineID string, getenv func(string) string, uid int) string {
	// A system service may have XDG_RUNTIME_DIR, but only a user's systemd puts runtime directories there.
	userDir := getenv("XDG_RUNTIME_DIR")
	if userDir == "" || !strings.HasPrefix(getenv("RUNTIME_DIRECTORY"), filepath.Clean(userDir)+"/") {
		return machineID
	}
	return machineID + " user " + strconv.Itoa(uid)
}

// GUID returns a version 5 UUID for a name among the BMCs of one systemd. It is the same after every restart. IPMI
// sends the last byte of a GUID first (IPMI 2.0 §20.8).
func GUID(managerID, name string) [16]byte {
	sum := sha1.Sum([]byte("shipmi " + managerID + " " + name))
	guid := [16]byte(sum[:16])
	guid[6] = guid[6]&0x0F | 0x50
	guid[8] = guid[8]&0x3F | 0x80
	slices.Reverse(guid[:])
	return guid
}

// UUID is the canonical text of a GUID, whose bytes are in the order of IPMI.
func UUID(guid [16]byte) string {
	slices.Reverse(guid[:])
	return fmt.Sprintf("%x-%x-%x-%x-%x", guid[:4], guid[4:6], guid[6:8], guid[8:10], guid[10:])
}
