package main

import (
	"context"

	"github.com/shipmi/shipmi/internal/lint"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/units"
)

// warnScripts warns of scripts that the shell of their provider does not understand, once
// for each provider. A change of the provider file takes effect without another command.
func (a *app) warnScripts(ctx context.Context, bmcs []units.BMC) {
	examined := make(map[string]bool)
	for _, b := range bmcs {
		if examined[b.Provider] {
			continue
		}
		examined[b.Provider] = true
		if p, err := a.host.LoadProvider(b.Provider); err == nil {
			a.warnScriptsOf(ctx, p, b.Name, b.Parameters)
		}
	}
}

// warnScriptsOf is warnScripts for one provider and the parameters of one BMC.
func (a *app) warnScriptsOf(ctx context.Context, p *provider.Provider, name string, set map[string]string) {
	values, err := p.Values(name, set)
	if err != nil {
		return
	}
	found, err := lint.Examine(ctx, p, name, values)
	for _, f := range found {
		a.Warn("provider %q: %v", p.Name(), f)
	}
	if err != nil {
		a.Warn("provider %q: its scripts could not be examined: %v", p.Name(), err)
	}
}
