package main

import (
	"context"
	"errors"
	"slices"

	"github.com/shipmi/shipmi/internal/bmc"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/manifest"
	"github.com/shipmi/shipmi/internal/settings"
	"github.com/shipmi/shipmi/internal/units"
)

// An application makes BMCs and the gateway what a file or a command says.
type application struct {
	*app
	ctx    context.Context
	s      serviceManager
	file   manifest.File
	wanted []wanted
	gone   []string // BMCs to delete

	gateway gatewayChange

	// Fields that decide sets.
	before  map[string]units.Existing
	after   []units.BMC
	active  map[string]bool // BMCs that listen before
	differs map[string][]string
	plan    units.Plan

	// Fields that record what was done.
	halted, started []units.BMC
	enabled         []units.BMC
	certified       bool // there is a new certificate of the host
	reloaded        bool
}

// A wanted is a BMC of the file.
type wanted struct {
	manifest.Resolved
	state manifest.State
}

// decide is called by units.Store.Apply.
func (ap *application) decide(existing []units.Existing, gateway units.Gateway) (d units.Decision, err error) {
	ap.before, ap.active, ap.differs = make(map[string]units.Existing), make(map[string]bool), make(map[string][]string)
	var all []units.BMC
	for _, e := range existing {
		ap.before[e.Name] = e
		all = append(all, e.BMC)
	}
	states, err := ap.s.States(ap.ctx, append(sockets(all), gatewayUnits...))
	if err != nil {
		return d, err
	}
	for _, b := range all {
		ap.active[b.Name] = states[units.SocketUnit(b.Name)] == "active"
	}
	var errs []error
	for _, w := range ap.wanted {
		t, err := ap.target(w)
		d.Targets, errs = append(d.Targets, t), append(errs, err)
		ap.after = append(ap.after, t.BMC)
	}
	d.Gone = ap.gone
	d.Gateway, err = ap.gateway.decide(gateway, states)
	return d, errors.Join(append(errs, err)...)
}

func (ap *application) target(w wanted) (t units.Target, err error) {
	b := w.Settings
	now, exists := ap.before[b.Name]
	t = units.Target{BMC: b, Disabled: w.state == manifest.Stopped}
	if t.Credentials, err = w.Credentials(now.Credentials, !exists); err != nil {
		return t, err
	}
	if exists {
		if now.Err == nil {
			before, after := manifest.Of(now.BMC, now.Credentials, ""), manifest.Of(b, t.Credentials, "")
			ap.differs[b.Name] = manifest.Differences(before, after, now.Credentials, t.Credentials)
		}
		return t, nil
	}
	text, err := w.MachineState()
	if text == nil || err != nil {
		return t, err
	}
	state, err := stateFile("").Decode(text)
	if err != nil {
		return t, w.Wrong("machine_state", err)
	}
	t.State, err = stateFile("").Files(state)
	return t, err
}

// stateFile returns the file with the state of a BMC, as of an earlier boot of the host: it
// leaves out what lasts only until then.
func stateFile(dir string) bmc.StateFile { return bmc.StateFile{Dir: dir, Upgrade: ipmi.UpgradeState} }

// of returns the BMCs of the file, with their new settings, for which is reports true.
func (ap *application) of(is func(w wanted) bool) (bmcs []units.BMC) {
	for _, w := range ap.wanted {
		if is(w) {
			bmcs = append(bmcs, w.Settings)
		}
	}
	return bmcs
}

// toStart returns the BMCs that do not listen yet.
func (ap *application) toStart() []units.BMC {
	return ap.of(func(w wanted) bool { return w.state == manifest.Started && !ap.active[w.Settings.Name] })
}

// toEnable returns the BMCs that do not start at boot yet.
func (ap *application) toEnable() []units.BMC {
	return ap.of(func(w wanted) bool { return w.state == manifest.Started && !ap.before[w.Settings.Name].Enabled })
}

func (ap *application) toStop() []units.BMC {
	return ap.of(func(w wanted) bool { return w.state == manifest.Stopped && ap.active[w.Settings.Name] })
}

// toDelete returns the BMCs that are deleted, as they are.
func (ap *application) toDelete() (bmcs []units.BMC) {
	for _, name := range ap.plan.Deleted {
		bmcs = append(bmcs, ap.before[name].BMC)
	}
	return bmcs
}

// listening returns the BMCs of the file that listened before and still do.
func (ap *application) listening() []units.BMC {
	return ap.of(func(w wanted) bool { return w.state != manifest.Stopped && ap.active[w.Settings.Name] })
}

// moved returns the BMCs that listen and have other addresses from now on.
func (ap *application) moved() []units.BMC {
	moves := make(map[string]bool)
	for _, c := range ap.plan.Changes {
		moves[c.Name] = c.Listen
	}
	return slices.DeleteFunc(ap.listening(), func(b units.BMC) bool { return !moves[b.Name] })
}

// check returns an error for each address that another program uses, and for each BMC that
// must not be deleted now.
func (ap *application) check() error {
	var used []units.Endpoint
	for name, e := range ap.before {
		if ap.active[name] {
			used = append(used, e.Endpoints()...)
		}
	}
	gatewayHas := ap.gateway.listening()
	used = append(used, gatewayHas...)
	errs := []error{ap.checkIdle(ap.toDelete())}
	for _, b := range ap.toStart() {
		errs = append(errs, ap.checkFree(b, nil, used))
	}
	for _, b := range ap.moved() {
		errs = append(errs, ap.checkFree(b, ap.before[b.Name].Endpoints(), used))
	}
	if ap.gateway.starts() {
		errs = append(errs, ap.checkFree(ap.gateway.after.AsBMC(), gatewayHas, used))
	}
	return errors.Join(errs...)
}

// apply changes everything or nothing.
func (ap *application) apply() error {
	err := ap.store.Apply(ap.decide, ap.stop, ap.commit)
	if err == nil {
		return nil
	}
	undo := context.WithoutCancel(ap.ctx)
	errs := []error{err, ap.gateway.withdraw(undo, ap.s)}
	if len(ap.started) > 0 {
		ap.s.Stop(undo, append(sockets(ap.started), services(ap.started)...))
	}
	if ap.enabled != nil {
		errs = append(errs, ap.disable(undo, ap.s, ap.enabled))
	}
	if ap.reloaded {
		errs = append(errs, ap.s.Reload(undo))
	}
	wasDown := func(b units.BMC) bool { return !ap.active[b.Name] }
	if halted := slices.DeleteFunc(slices.Concat(ap.halted, ap.started), wasDown); len(halted) > 0 {
		errs = append(errs, startAgain(undo, ap.s, halted))
	}
	return errors.Join(append(errs, ap.gateway.startAgain(undo, ap.s))...)
}

// stop is for units.Store.Apply. It stops the BMCs that must not run while files change.
func (ap *application) stop(plan units.Plan) error {
	ap.plan = plan
	ap.gateway.changes = plan.Gateway
	if err := ap.check(); err != nil {
		return err
	}
	if ap.gateway.after.Listen == nil {
		if err := ap.gateway.stop(ap.ctx, ap.s); err != nil {
			return err
		}
	}
	ap.halted = slices.Concat(ap.toStop(), ap.toDelete())
	if len(ap.halted) == 0 {
		return nil
	}
	if _, err := stop(ap.ctx, ap.s, ap.halted); err != nil {
		return err
	}
	return ap.checkIdle(ap.toDelete()) // a script may have started since
}

// commit is for units.Store.Apply. All files are in place.
func (ap *application) commit(plan units.Plan) error {
	var err error
	if ap.certified, err = ap.certify(ap.ctx, append(slices.Clone(ap.after), ap.gateway.after.AsBMC())); err != nil {
		return err
	}
	if err := ap.gateway.enable(ap.ctx, ap.s); err != nil {
		return err
	}
	if enable := ap.toEnable(); enable != nil {
		ap.enabled = enable
		if err := ap.s.Enable(ap.ctx, sockets(enable)); err != nil {
			return err
		}
	}
	changes := len(plan.Added) + len(plan.Deleted) + len(plan.Disabled) + len(ap.enabled)
	if changes > 0 || ap.gateway.changes || ap.gateway.starts() || slices.ContainsFunc(plan.Changes, units.Change.NeedsReload) {
		ap.reloaded = true
		if err := ap.s.Reload(ap.ctx); err != nil {
			return err
		}
	}
	if moved := ap.moved(); len(moved) > 0 { // one may get the former address of another one
		ap.started = moved
		if _, err := stop(ap.ctx, ap.s, moved); err != nil {
			return err
		}
	}
	if ap.gateway.starts() {
		if err := ap.gateway.stop(ap.ctx, ap.s); err != nil {
			return err
		}
	}
	ap.started = append(ap.started, ap.toStart()...)
	if err := errors.Join(ap.startAll(), ap.gateway.start(ap.ctx, ap.s)); err != nil {
		return err
	}
	return switchInband(ap.ctx, ap.s, ap.listening(), plan.Changes)
}

func (ap *application) startAll() error {
	if len(ap.started) == 0 {
		return nil
	}
	failed := ap.s.Start(ap.ctx, sockets(ap.started))
	var errs []error
	for _, b := range ap.started {
		if err := failed[units.SocketUnit(b.Name)]; err != nil {
			errs = append(errs, startError(b, err))
		}
	}
	return errors.Join(errs...)
}

// finish does what needs no transaction, and warns of what may be wrong.
func (ap *application) finish() error {
	touched := namesOf(ap.plan.Changes, func(c units.Change) string { return c.Name })
	for _, name := range ap.plan.Added {
		touched[name] = true
	}
	isTouched := func(w wanted) bool { return touched[w.Settings.Name] }
	changed := ap.of(isTouched)
	listens := namesOf(slices.Concat(ap.started, ap.listening()), nameOf)
	listening := slices.DeleteFunc(slices.Clone(changed), func(b units.BMC) bool { return !listens[b.Name] })
	err := errors.Join(restartServices(ap.ctx, ap.s, ap.plan.Changes), startLogged(ap.ctx, ap.s, listening))
	for _, w := range ap.wanted {
		if isTouched(w) && w.HasPassword(settings.DefaultPassword) {
			ap.warnPassword([]units.BMC{w.Settings}, instance.Hide(settings.DefaultPassword))
		}
	}
	ap.warnUntrusted(changed)
	ap.warnScripts(ap.ctx, changed)
	ap.warnUnfiltered(ap.ctx, ap.s, listening)
	ap.warnLacks(ap.ctx, ap.s, listening)
	explained := ap.of(func(w wanted) bool { return isTouched(w) && ap.before[w.Settings.Name].Redfish == nil })
	if g := ap.gateway; g.starts() {
		ap.warnUnfilteredGateway(ap.ctx, ap.s, g.after)
		if ap.certified || g.before.Listen == nil {
			explained = append(explained, g.after.AsBMC())
		}
	}
	ap.explainRedfish(explained)
	return errors.Join(err, ap.explainGateway(ap.of(func(w wanted) bool {
		return isTouched(w) && !ap.before[w.Settings.Name].Gateway
	})))
}
