package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBootTime(t *testing.T) {
	before := bootTime()
	require.Greater(t, before, time.Duration(0))
	require.GreaterOrEqual(t, bootTime(), before)
}

func TestBootID(t *testing.T) {
	require.Regexp(t, "^[0-9a-f-]{36}$", bootID())
	require.Equal(t, bootID(), bootID())
}
