package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// "status" showed "1 session" above an empty list of sessions, because the status of the process was a second old.
func TestProcessDoesNotCountSessions(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	for status, want := range map[string]string{
		"":                            "47 since 2026-01-02 03:04:05",
		"0 sessions":                  "47 since 2026-01-02 03:04:05",
		"1 session; power reset runs": "47 since 2026-01-02 03:04:05: power reset runs",
		"bad setting: no port":        "47 since 2026-01-02 03:04:05: bad setting: no port",
		"12 sessions; last: power on": "47 since 2026-01-02 03:04:05: last: power on",
	} {
		require.Equal(t, want, processFact{PID: 47, Since: since, Status: status}.String(), status)
	}
}
