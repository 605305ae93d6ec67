package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFirmware(t *testing.T) {
	for version, want := range map[string][2]byte{
		"v1.2.3":             {1, 2},
		"v0.10.0-4-gd65e070": {0, 10},
		"v12.34":             {12, 34},
		"unknown":            {},
		"d65e070":            {},
		"85b1ad0-dirty":      {},
		"":                   {},
	} {
		require.Equal(t, want, firmware(version), version)
	}
}
