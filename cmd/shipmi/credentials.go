package main

import (
	"context"
	"fmt"

	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/units"
)

// changeCredentials changes who may log in to a BMC. The process has a copy that
// systemd made when it started, so one that runs is started again. Sessions go on
// but for those of users who are not the same any more.
func (a *app) changeCredentials(ctx context.Context, name string, change func(*instance.Credentials) error) error {
	if _, err := a.store.Find(name); err != nil {
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
	unit := units.ServiceUnit(name)
	if err := s.TryRestart(ctx, unit); err != nil {
		return hint(fmt.Errorf("%s: the change is stored but does not count yet: %w", name, err), "see journalctl -u %s", unit)
	}
	return nil
}

// setPassword is changeCredentials with a password.
func (a *app) setPassword(ctx context.Context, name string, source secretSource, set func(*instance.Credentials, instance.Secret) error) error {
	found, err := a.store.Find(name)
	if err != nil {
		return err
	}
	password, err := source.read(a)
	if err != nil {
		return err
	}
	err = a.changeCredentials(ctx, name, func(c *instance.Credentials) error { return set(c, password) })
	if err != nil {
		return err
	}
	a.warnPassword(found[0], password)
	return nil
}
