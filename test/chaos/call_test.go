//go:build e2e

package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A call is one run of a client, and what came of it.
type call struct {
	number  int
	client  client
	suite   int
	action  action
	seconds float64 // how long the script takes
	code    int     // its exit status
	haunted bool    // the process is killed again and again meanwhile

	out  string
	exit int
	took time.Duration
	runs []string // what the script has noted
	asks bool     // it sent something in a session
	log  string   // of the processes
}

// possible are the actions that make sense while the machine is on, or off.
var possible = map[string][]action{
	"on":  {"off", "shutdown", "cycle", "reset", "diag"},
	"off": {"on"},
}

// newCall plans a call to a machine that is on or off. Most scripts are quick and succeed.
func newCall(random *rand.Rand, number int, power string) *call {
	return &call{
		number:  number,
		client:  pick(random, clients...),
		suite:   pick(random, 3, 17),
		action:  pick(random, possible[power]...),
		seconds: pick(random, 0, 0, 0, 0, 0, 0, 0.3, 1.2, 3),
		code:    pick(random, 0, 0, 0, 0, 0, 1),
	}
}

func pick[T any](random *rand.Rand, of ...T) T { return of[random.IntN(len(of))] }

// make runs the client.
func (c *call) make(port int) {
	words := strings.Fields(os.Expand(c.client.line, func(name string) string {
		return map[string]string{
			"PORT": strconv.Itoa(port), "SUITE": strconv.Itoa(c.suite), "ACTION": c.client.words[c.action],
		}[name]
	}))
	began := time.Now()
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	c.took, c.out = time.Since(began), string(out)
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		c.exit = failed.ExitCode()
	} else if err != nil {
		panic(err) // no such client
	}
}

// What a client says of a call.
type verdict string

const (
	done       verdict = "done"
	refused    verdict = "refused"
	unanswered verdict = "unanswered"
	// imagined is done, without a datagram in a session that could have asked for it: when ipmitool has tried the key
	// exchange four times without success it goes on, and takes late answers to that for answers to its requests.
	imagined verdict = "imagined"
)

func (c *call) verdict() verdict {
	switch {
	case c.claimsDone() && !c.asks:
		return imagined
	case c.claimsDone():
		return done
	case regexp.MustCompile(c.client.unanswered).MatchString(c.out):
		return unanswered
	default:
		return refused
	}
}

func (c *call) claimsDone() bool {
	return c.exit == 0 && regexp.MustCompile(c.client.done).MatchString(c.out)
}

// note is what the script notes when it runs for this call.
func (c *call) note() string { return fmt.Sprintf("%d power-%s", c.number, c.action) }

func (c *call) String() string {
	return fmt.Sprintf("call %d, %s, suite %d, %s; script of %gs with exit status %d, haunted %t: client exit status %d after %v, %q; ran %q",
		c.number, c.client.name, c.suite, c.action, c.seconds, c.code, c.haunted, c.exit, c.took, c.out, c.runs)
}
