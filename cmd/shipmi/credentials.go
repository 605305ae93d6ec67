package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/units"
)

// changeCredentials changes who may log in to a BMC. The process has a copy that
// systemd made when it started, so one that runs is started again. Sessions go on
// but for those of users who are not the same any more.
func (a *app) changeCredentials(ctx context.Context, name string, change func(*instance.Credentials) error) error {
	if _, err := a.find(name); err != nil {
		return err
	}
	s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := a.store.ChangeCredentials(name, change); err != nil {
		return err
	}
	return restart(ctx, s, map[string]string{name: units.ServiceUnit(name)})
}

// restart starts a unit of each BMC again, if it runs, so that a change counts.
func restart(ctx context.Context, s serviceManager, unitOf map[string]string) error {
	if len(unitOf) == 0 {
		return nil
	}
	failed := s.TryRestart(ctx, slices.Sorted(maps.Values(unitOf)))
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(unitOf)) {
		if err := failed[unitOf[name]]; err != nil {
			err = fmt.Errorf("%s: the change is stored but does not count yet: %w", name, err)
			errs = append(errs, hint(err, `see "shipmi logs %s"`, name))
		}
	}
	return errors.Join(errs...)
}

// setPassword is changeCredentials with a password.
func (a *app) setPassword(ctx context.Context, name string, source secretSource, set func(*instance.Credentials, instance.Secret) error) error {
	found, err := a.find(name)
	if err != nil {
		return err
	}
	password, err := source.read(ctx, a)
	if err != nil {
		return err
	}
	err = a.changeCredentials(ctx, name, func(c *instance.Credentials) error { return set(c, password) })
	if err != nil {
		return err
	}
	a.warnPassword(found, password)
	return nil
}
