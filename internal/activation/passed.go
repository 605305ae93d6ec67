package activation

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// firstPassed is SD_LISTEN_FDS_START.
const firstPassed = 3

// A Passed is a descriptor that systemd has passed to this process, see sd_listen_fds(3).
type Passed struct {
	FD   int
	Name string // never empty
}

// AllPassed returns the descriptors that systemd has passed.
func AllPassed() (all []Passed) {
	n := 0
	if os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()) {
		n, _ = strconv.Atoi(os.Getenv("LISTEN_FDS"))
	}
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for i := range n {
		p := Passed{FD: firstPassed + i}
		if i < len(names) {
			p.Name = names[i]
		}
		p.Name = cmp.Or(p.Name, fmt.Sprintf("descriptor %d", p.FD))
		unix.CloseOnExec(p.FD)
		all = append(all, p)
	}
	return all
}
