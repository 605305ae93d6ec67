package check

import (
	"context"
	"errors"

	"github.com/shipmi/shipmi/internal/provider"
)

// steps are the actions in the order in which they are tried, and whether the machine has
// to be on before the action.
var steps = []struct {
	verb provider.Verb
	on   bool
}{
	{provider.On, false},
	{provider.Identify, true},
	{provider.Reset, true},
	{provider.Diag, true},
	{provider.Cycle, true},
	{provider.Shutdown, true},
	{provider.Off, true},
}

// ErrUnknownState means that the provider does not say whether the machine is on. Then no
// further script runs.
var ErrUnknownState = errors.New("the provider does not say whether the machine is on")

// identifySeconds is how long ipmitool turns the light on by default.
const identifySeconds = 15

// Power runs the scripts of all actions. In the end the machine is on or off as it was
// before, and has the boot device that it had before. If the provider cannot say which boot
// device that is, no boot device is set.
func (c *Check) Power(ctx context.Context) error {
	before, err := c.query(ctx, provider.Status)
	if err != nil || before.Err != nil {
		return errors.Join(err, ErrUnknownState)
	}
	if err := c.boot(ctx); err != nil {
		return err
	}
	for _, step := range steps {
		if !c.Runner.Provider.Has(step.verb) {
			continue
		}
		if err := c.reach(ctx, step.on); err != nil {
			return errors.Join(err, c.reach(ctx, before.On))
		}
		args := provider.Args{Light: provider.Light{On: true, Seconds: identifySeconds}}
		if _, err := c.act(ctx, step.verb, args); err != nil {
			return err
		}
	}
	return c.reach(ctx, before.On)
}

// reach switches the machine on or off, if it is not yet and if there is a script for it.
func (c *Check) reach(ctx context.Context, on bool) error {
	now, err := c.query(ctx, provider.Status)
	if err != nil || now.Err != nil {
		return errors.Join(err, ErrUnknownState)
	}
	v := provider.Off
	if on {
		v = provider.On
	}
	if now.On == on || !c.Runner.Provider.Has(v) {
		return nil
	}
	_, err = c.act(ctx, v, provider.Args{})
	return err
}

// boot sets the boot device that the machine has already.
func (c *Check) boot(ctx context.Context) error {
	if !c.Runner.Provider.Has(provider.BootSet) || !c.Runner.Provider.Has(provider.BootGet) {
		return nil
	}
	now, err := c.query(ctx, provider.BootGet)
	if err != nil || now.Err != nil {
		return err
	}
	_, err = c.act(ctx, provider.BootSet, provider.Args{Boot: provider.Boot{Device: now.Device, Persistent: true}})
	return err
}
