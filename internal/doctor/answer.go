package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/shipmi/shipmi/internal/units"
)

// pingsAtOnce limits how many processes of BMCs start at the same time.
const pingsAtOnce = 16

// examineAnswers finds BMCs that listen and do not answer. It leaves out BMCs of which
// another finding says why, and those that accept packets only from some networks, because
// this host may not be in these networks.
func (d *Doctor) examineAnswers(ctx context.Context) error {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	type silent struct {
		bmc  string
		addr netip.AddrPort
	}
	var (
		mu   sync.Mutex
		lost = make(map[silent]error)
		wg   sync.WaitGroup
	)
	slots := make(chan struct{}, pingsAtOnce)
	for _, b := range d.bmcs {
		if b.Allow != nil || d.silent[b.Name] || !d.conditions[units.SocketUnit(b.Name)].Active {
			continue
		}
		for _, addr := range b.Listen {
			if !hasAddress(own, addr.Addr()) {
				continue
			}
			wg.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				if err := d.Ping(ctx, addr); err != nil {
					mu.Lock()
					defer mu.Unlock()
					lost[silent{b.Name, addr}] = err
				}
			})
		}
	}
	wg.Wait()
	for _, b := range d.bmcs {
		for _, addr := range b.Listen {
			if err := lost[silent{b.Name, addr}]; err != nil {
				d.problem(b.Name, fmt.Sprintf("it does not answer on %v: %v", addr, err), `see "shipmi logs %s"`, b.Name)
			}
		}
	}
	return ctx.Err()
}
