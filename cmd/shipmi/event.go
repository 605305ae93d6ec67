package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shipmi/shipmi/internal/client"
	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/internal/units"
)

// An eventRequest is what "event" adds to the event log.
type eventRequest struct {
	sensor   string
	offset   uint
	deassert bool
}

func (a *app) eventCommand() *cobra.Command {
	var r eventRequest
	cmd := &cobra.Command{
		Use:   "event NAME --sensor SENSOR --offset NUMBER",
		Short: "Add an entry to the event log of a BMC",
		Long: `Add an entry to the event log of a BMC, as "ipmitool event" does: that a sensor of the
BMC reports an event. Clients see it, and the script of [EVENTS] in the provider runs.
"ipmitool sdr elist all" lists the sensors. What an offset means depends on the type of the
sensor (IPMI 2.0 table 42-3): for OS Shutdown, 1 is a critical stop at run time, 2 a
graceful stop, and 3 a graceful shutdown.

This logs in to the BMC as the user with the highest privilege, so the BMC must be started.`,
		Example: `  shipmi event node-0 --sensor 'OS Shutdown' --offset 1
  shipmi event node-0 --sensor 'Power Unit' --offset 0 --deassert`,
		Args:              oneName,
		ValidArgsFunction: a.completeName,
		RunE: func(cmd *cobra.Command, args []string) error {
			record, err := ipmi.SoftwareEvent(r.sensor, r.offset, !r.deassert)
			if err != nil {
				return hint.Misuse(hint.Meant(err, hint.Similar(r.sensor, ipmi.SensorNames())))
			}
			bmcs, err := a.findBMCs(args[0])
			if err != nil {
				return err
			}
			b := bmcs[0]
			if err := a.addEvent(cmd.Context(), b, record); err != nil {
				return fmt.Errorf("%s: %w", b.Name, err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&r.sensor, "sensor", "", "name of the `sensor` of the BMC, as \"ipmitool sdr elist all\" lists it")
	cmd.Flags().UintVar(&r.offset, "offset", 0, "the `number` of the event, 0 to 14")
	cmd.Flags().BoolVar(&r.deassert, "deassert", false, "report that the event is over")
	_ = cmd.MarkFlagRequired("sensor")
	_ = cmd.MarkFlagRequired("offset")
	_ = cmd.RegisterFlagCompletionFunc("sensor", cobra.FixedCompletions(ipmi.SensorNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

const addSELEntry = 0x44 // IPMI 2.0 §31.6

// addEvent adds a record to the event log of a BMC. The script of the provider runs as after a client's request.
func (a *app) addEvent(ctx context.Context, b units.BMC, record []byte) error {
	switch {
	case b.Err != nil:
		return b.Err
	case b.Listen == nil:
		return hint.Add(errors.New("it has no IPMI"), `"shipmi set" gives it a port: --port`)
	}
	may := func(u instance.User) bool { return u.Privilege >= instance.PrivilegeOperator }
	login, err := a.loginOf(b, may)
	if errors.Is(err, errNoUser) {
		return hint.Add(errors.New("no user may add entries"), `a user needs a password and a level of operator or higher: see "shipmi user list %s"`, b.Name)
	}
	if err != nil {
		return err
	}
	s, err := openSession(ctx, b, login)
	if err != nil {
		return explainSession(b, login, err)
	}
	defer s.Close()
	_, err = s.Do(ctx, rmcp.NetFnStorage, addSELEntry, record...)
	if errors.Is(err, client.ErrPrivilege) {
		return err
	}
	return explainSession(b, login, err)
}
