//go:build e2e

// Package crash kills the process of a BMC at every instant, fills its disk and damages its files, makes slow what it
// waits for, and replaces the program, while a client of its own goes on talking to it. It runs the program as systemd
// would, on a socket that stays open. It knows only what a client, an administrator and the next version of the program
// can see. Start reading at the table of dialogues.
//
// With -program PATH it tests a program that has been built already:
//
//	go test -tags e2e -count=1 ./test/crash -program /usr/sbin/shipmi-bmc
package crash

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	tracing()
	reading()
	flag.Parse()
	must(flag.Set("test.parallel", "8")) // they wait more than they work
	os.Exit(m.Run())
}

var (
	programs sync.Map // path by version
	given    = flag.String("program", "", "test the shipmi-bmc at this absolute `path` instead of building one")
)

// program builds the program of a version. A given program takes the place of v1.0.
func program(t *testing.T, version string) string {
	if *given != "" && version == "v1.0" {
		return *given
	}
	build := sync.OnceValue(func() string {
		dir, err := os.MkdirTemp("", "crash")
		must(err)
		path := filepath.Join(dir, "shipmi-bmc")
		out, err := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-X main.version="+version,
			"-o", path, "../../cmd/shipmi-bmc").CombinedOutput()
		if err != nil {
			panic(string(out))
		}
		return path
	})
	kept, _ := programs.LoadOrStore(version, build)
	return kept.(func() string)()
}

// state is what the BMC keeps over its end.
func (h *host) state() string {
	text, err := os.ReadFile(h.Path("state/state"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// TestDeathAtAnyInstant has each dialogue once for each system call at which the process can die.
func TestDeathAtAnyInstant(t *testing.T) {
	for name, d := range dialogues {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyDeath(t, d.dies)
		})
	}
}

// everyDeath calls dies for each system call; or for every n-th only, the first of them at random. For 0, dies returns how many
// there are.
func everyDeath(t *testing.T, dies func(t *testing.T, nth int) int) {
	every := 60
	if n, err := strconv.Atoi(os.Getenv("CRASH_EVERY")); err == nil {
		every = n
	}
	calls := dies(t, 0)
	offset := 1 + rand.IntN(every)
	t.Logf("%d kill points, %d, %d, … of them", calls, offset, offset+every)
	for nth := offset; nth <= calls; nth += every {
		t.Run(strconv.Itoa(nth), func(t *testing.T) {
			t.Parallel()
			dies(t, nth)
		})
	}
}

// dies goes through the dialogue with a process that dies before its nth
// effective system call, and returns how many it made.
func (d dialogue) dies(t *testing.T, nth int) int {
	h := newHost(t)
	h.traced, h.nth = d.process, nth
	h.serve()
	c := newClient(t, h, nth%2 == 1)
	d.talk(h, c)
	if nth > 0 {
		c.replay()
	}
	sid := binary.LittleEndian.AppendUint32(nil, c.SIDc)
	require.Equal(t, "\x00", c.ask(app, closeSession, sid...))
	if nth == 0 {
		h.kill(syscall.SIGTERM)
		h.idle()
	}
	return h.calls
}
