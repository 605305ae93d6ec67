package doctor

import (
	"context"
	"fmt"
	"slices"

	"github.com/shipmi/shipmi/internal/units"
)

// examineGateway finds BMCs that the gateway should serve and does not, and faults of its units and of its certificate.
func (d *Doctor) examineGateway(context.Context) error {
	i := slices.IndexFunc(d.bmcs, func(b units.BMC) bool { return b.Gateway })
	if d.gateway.Listen == nil {
		if i >= 0 {
			d.problem("", fmt.Sprintf("clients cannot reach the Redfish of %q: the gateway of this host is not set up", d.bmcs[i].Name), "shipmi gateway enable")
		}
		return nil
	}
	if i < 0 {
		d.warning("", "the gateway serves no BMC", "shipmi set NAME --redfish gateway, or shipmi gateway disable")
	}
	for _, b := range d.bmcs {
		if b.Gateway && b.Allow != nil {
			d.warning(b.Name, "its --allow does not apply to clients of the gateway", "shipmi gateway enable --allow NETWORK")
		}
	}
	switch socket := d.conditions[units.GatewaySocket]; {
	case socket.Active && !d.conditions[units.GatewayService].Failed:
	default:
		d.problem("", "the gateway does not listen, or its process failed", "shipmi gateway enable, then see systemctl status shipmi-gateway.s*")
	}
	return nil
}

// examineGatewayAnswer finds a gateway that does not answer.
func (d *Doctor) examineGatewayAnswer(ctx context.Context) {
	if d.gateway.Allow != nil || !d.conditions[units.GatewaySocket].Active {
		return
	}
	for _, e := range d.gateway.Endpoints() {
		if err := d.Ping(ctx, e); err != nil {
			d.problem("", fmt.Sprintf("the gateway does not answer on %v: %v", e, err), "see systemctl status shipmi-gateway.s*")
		}
	}
}
