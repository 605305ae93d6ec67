package doctor

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/shipmi/shipmi/internal/units"
)

// pingsAtOnce limits how many processes of BMCs start at the same time.
const pingsAtOnce = 16

// maxStarted is how many BMCs at rest get a ping, which starts their processes. If there are
// more kinds of BMCs, one of each kind gets a ping.
const maxStarted = 32

// examineAnswers finds BMCs that listen and do not answer. It leaves out BMCs of which
// another finding says why, and those that accept packets only from some networks, because
// this host may not be in these networks.
func (d *Doctor) examineAnswers(ctx context.Context) error {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	var listening []units.BMC
	for _, b := range d.bmcs {
		if b.Allow == nil && !d.silent[b.Name] && d.conditions[units.SocketUnit(b.Name)].Active {
			listening = append(listening, b)
		}
	}
	pinged := listening
	if !d.PingAll {
		if pinged, err = d.sample(listening); err != nil {
			return err
		}
	}
	d.unpinged = len(listening) - len(pinged)
	type silent struct {
		bmc string
		at  units.Endpoint
	}
	var (
		mu   sync.Mutex
		lost = make(map[silent]error)
		wg   sync.WaitGroup
	)
	slots := make(chan struct{}, pingsAtOnce)
	for i, b := range pinged {
		d.progress(fmt.Sprintf("answers of %d BMCs, %d", len(pinged), i+1))
		for _, e := range b.Endpoints() {
			if !hasAddress(own, e.Addr()) {
				continue
			}
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				if err := d.Ping(ctx, e); err != nil {
					mu.Lock()
					defer mu.Unlock()
					lost[silent{b.Name, e}] = err
				}
			})
		}
	}
	wg.Wait()
	for _, b := range pinged {
		for _, e := range b.Endpoints() {
			if err := lost[silent{b.Name, e}]; err != nil {
				d.problem(b.Name, fmt.Sprintf("it does not answer on %v: %v", e, err), `see "shipmi logs %s"`, b.Name)
			}
		}
	}
	d.examineGatewayAnswer(ctx)
	return ctx.Err()
}

// Unpinged returns how many BMCs that listen got no ping from Examine.
func (d *Doctor) Unpinged() int { return d.unpinged }

// sample returns the BMCs that get a ping: those that have a process, one at rest of each
// kind, and more at rest, evenly spread, up to maxStarted.
func (d *Doctor) sample(bmcs []units.BMC) ([]units.BMC, error) {
	var running, first, others []units.BMC
	byHand, err := d.Store.ByHand()
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	for _, b := range bmcs {
		if d.conditions[units.ServiceUnit(b.Name)].Active {
			running = append(running, b)
			continue
		}
		kind, err := kind(b, byHand)
		if err != nil {
			return nil, err
		}
		if !seen[kind] {
			seen[kind] = true
			first = append(first, b)
		} else {
			others = append(others, b)
		}
	}
	more := min(len(others), max(0, maxStarted-len(first)))
	for i := range more {
		first = append(first, others[i*len(others)/more])
	}
	return append(running, first...), nil
}

// kind returns a text that is equal for BMCs whose processes start in the same way: they
// have the same account, the same addresses for IPMI and for Redfish, the same certificate,
// the same access for the guest, and equal files that an administrator wrote.
func kind(b units.BMC, byHand units.ByHand) (string, error) {
	files, err := byHand.Files(units.Units(b.Name))
	if err != nil {
		return "", err
	}
	kind := []string{b.RunAs.String(), b.Certificate.Cert, fmt.Sprint(b.Inband, b.Gateway)}
	for _, e := range b.Endpoints() {
		kind = append(kind, e.Network, e.Addr().String())
	}
	for _, file := range files {
		text, _ := os.ReadFile(file) // /dev/null if the unit is masked
		kind = append(kind, filepath.Base(file), string(text))
	}
	return strings.Join(kind, "\n"), nil
}
