//go:build e2e

package chaos

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/serial"
)

// How many lines a client reads, and how many it types.
const printedLines, typedLines = 2000, 500

// consoles are clients of the console, with what they survive. ipmitool looks at no session sequence number, so it prints
// a packet that was overtaken a second time. When the acknowledgment of a packet is lost, ipmitool sends the characters
// again under a new number. So its network only loses, and nothing is typed. ipmiconsole prints a packet a second time if
// the packet was sent again, and this was overtaken by the next packet. Each client logs in undisturbed, and leaves with a
// key.
var consoles = map[string]struct {
	line              string // with $HOST
	types             bool
	requests, answers rates
}{
	"ipmitool, loss": {
		line:     "ipmitool -I lanplus -H $HOST -U admin -P sesame sol activate",
		requests: rates{drop: 0.2, sessions: true},
		answers:  rates{drop: 0.2, sessions: true},
	},
	"ipmiconsole, loss": {
		line:     "ipmiconsole -h $HOST -u admin -p sesame",
		types:    true,
		requests: rates{drop: 0.2, sessions: true},
		answers:  rates{drop: 0.2, sessions: true},
	},
	"ipmiconsole, duplication": {
		line:     "ipmiconsole -h $HOST -u admin -p sesame",
		types:    true,
		requests: rates{duplicate: 0.5, late: 0.1, sessions: true},
		answers:  rates{duplicate: 0.5, late: 0.1, sessions: true},
	},
	"ipmiconsole, reorder": {
		line:     "ipmiconsole -h $HOST -u admin -p sesame",
		types:    true,
		requests: rates{drop: 0.1, duplicate: 0.1, corrupt: 0.05, jitter: 0.3, late: 0.05, sessions: true},
		answers:  rates{drop: 0.1, duplicate: 0.1, corrupt: 0.05, jitter: 0.3, late: 0.05, sessions: true},
	},
}

// TestConsole has real clients read numbered lines from the console, and type some, over a network that loses, duplicates,
// delays, reorders and corrupts. No line is lost or typed twice: the file of the console has each line once.
func TestConsole(t *testing.T) {
	index := byte(0)
	for name, c := range consoles {
		index++
		// ipmiconsole knows no port but 623.
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 1, index}), 623)
		proxyAt := net.UDPAddr{IP: net.IPv4(127, 0, 2, index), Port: 623}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBMCAt(t, at)
			b.Write("provider.conf", fmt.Sprintf("[POWER]\nstatus = echo on\n[CONSOLE]\nconnect = seq -f 'print %%%%05.0f.' %d; exec cat\n", printedLines))
			requests := &direction{rates: c.requests, random: rand.New(rand.NewPCG(1, 0))}
			answers := &direction{rates: c.answers, random: rand.New(rand.NewPCG(1, 1))}
			p := newProxy(t, &proxyAt, b.Address, requests, answers)
			defer p.close()
			out := talk(t, strings.ReplaceAll(c.line, "$HOST", proxyAt.IP.String()), c.types)
			t.Logf("to the BMC: %v", &requests.counts)
			t.Logf("from the BMC: %v", &answers.counts)
			kept := b.console()
			printed, typed := numbered("print", printedLines), []string(nil)
			if c.types {
				typed = numbered("type", typedLines)
			}
			require.Equal(t, typed, lines(kept, "type"), "what the script has read")
			require.Equal(t, printed, firsts(lines(out, "print")))
			require.Equal(t, typed, firsts(lines(out, "type")))
			if c.answers.late == 0 {
				require.Len(t, lines(out, "print"), printedLines)
			}
		})
	}
}

// numbered are lines that a client must get.
func numbered(word string, count int) (all []string) {
	for n := range count {
		all = append(all, fmt.Sprintf("%s %05d.", word, n+1))
	}
	return all
}

// lines are the numbered lines in a text.
func lines(text, word string) []string {
	return regexp.MustCompile(word+` \d{5}\.`).FindAllString(text, -1)
}

// console is the latest output of the console script, as the BMC keeps it.
func (b *bmc) console() string {
	f, err := os.Open(b.Path("runtime/console"))
	require.NoError(b.t, err)
	defer f.Close()
	var now unix.Timespec
	require.NoError(b.t, unix.ClockGettime(unix.CLOCK_BOOTTIME, &now))
	line, err := serial.Inspect(f, time.Duration(now.Nano()))
	require.NoError(b.t, err)
	var text strings.Builder
	for _, part := range line.Log() {
		text.Write(part)
	}
	return text.String()
}

// firsts are the lines without those that have come before.
func firsts(lines []string) (all []string) {
	seen := make(map[string]bool)
	for _, line := range lines {
		if !seen[line] {
			all = append(all, line)
		}
		seen[line] = true
	}
	return all
}

// talk runs a client on a terminal until it has read all lines, and returns what it printed.
func talk(t *testing.T, line string, types bool) string {
	var out screen
	cmd := exec.Command("script", "--quiet", "--flush", "--command", "stty raw -echo; exec "+line, "/dev/null")
	cmd.Stdout, cmd.Stderr = &out, &out
	keys, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() {
		keys.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	seen := func(text string) func() bool { return func() bool { return strings.Contains(out.String(), text) } }
	await := func(text string) {
		require.Eventually(t, seen(text), 2*time.Minute, 10*time.Millisecond, "%q in %v", text, &out)
	}
	await("print 00001.")
	// ipmiconsole gives up when much more is typed than it can send.
	for some := range slices.Chunk(numbered("type", typedLines), 20) {
		if types {
			_, err := io.WriteString(keys, strings.Join(some, "\r")+"\r")
			require.NoError(t, err)
			await(some[len(some)-1])
		}
	}
	await(fmt.Sprintf("print %05d.", printedLines))
	time.Sleep(2 * late) // a line that comes twice comes now
	return out.String()
}

// A screen keeps what a client prints.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
