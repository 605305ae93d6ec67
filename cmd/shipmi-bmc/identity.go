package main

import (
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	machineIDFile = "/etc/machine-id" // see machine-id(5)
	machineIDLen  = 32
)

func machineID(file string) (string, error) {
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

// managerID identifies the systemd that runs this process. The system manager of a host has the machine ID. The manager
// of a user, which has BMCs of its own under the same names, has the user ID as well.
func managerID(machineID string, getenv func(string) string, uid int) string {
	// A system service may have XDG_RUNTIME_DIR, but only a user's systemd puts runtime directories there.
	userDir := getenv("XDG_RUNTIME_DIR")
	if userDir == "" || !strings.HasPrefix(getenv("RUNTIME_DIRECTORY"), filepath.Clean(userDir)+"/") {
		return machineID
	}
	return machineID + " user " + strconv.Itoa(uid)
}

// nameGUID returns a version 5 UUID for a name among the BMCs of one systemd. It is the same after every restart. IPMI
// sends the last byte of a GUID first (IPMI 2.0 §20.8).
func nameGUID(managerID, name string) [16]byte {
	sum := sha1.Sum([]byte("shipmi " + managerID + " " + name))
	guid := [16]byte(sum[:16])
	guid[6] = guid[6]&0x0F | 0x50
	guid[8] = guid[8]&0x3F | 0x80
	slices.Reverse(guid[:])
	return guid
}

// firmware returns the firmware revision for a version such as v1.2.3: 1 and 2.
func firmware(version string) (revision [2]byte) {
	_, _ = fmt.Sscanf(version, "v%d.%d", &revision[0], &revision[1])
	return revision
}
