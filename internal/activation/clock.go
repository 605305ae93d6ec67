package activation

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Uptime returns the time since the host was booted, including the time that it was suspended.
func Uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic(fmt.Sprintf("internal error: CLOCK_BOOTTIME: %v", err))
	}
	return time.Duration(t.Nano())
}

// BootID returns a text that differs after every boot of the host. A boot time is only valid together with it.
func BootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		panic(fmt.Sprintf("internal error: %v", err)) // every Linux has the file
	}
	return strings.TrimSpace(string(text))
}
