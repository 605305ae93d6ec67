// Bmclib does to a BMC what Tinkerbell's Rufio and others do with the Go library of that name: it tries every protocol,
// goes on with those that answer, and does one thing that the library can do over IPMI or Redfish. It prints which of the
// library's providers did it, and the result:
//
//	bmclib [-provider NAME] [-port PORT] [-basic] [-system NAME] HOST USER PASSWORD ACTION [ARGUMENT]
//	bmclib -version
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"runtime/debug"
	"time"

	"github.com/bmc-toolbox/bmclib/v2"
)

var actions = map[string]func(ctx context.Context, c *bmclib.Client, argument string) (any, error){
	"state": func(ctx context.Context, c *bmclib.Client, _ string) (any, error) { return c.GetPowerState(ctx) },
	"power": func(ctx context.Context, c *bmclib.Client, to string) (any, error) { return c.SetPowerState(ctx, to) },
	"boot-once": func(ctx context.Context, c *bmclib.Client, from string) (any, error) {
		return c.SetBootDevice(ctx, from, false, true)
	},
	"boot-always": func(ctx context.Context, c *bmclib.Client, from string) (any, error) {
		return c.SetBootDevice(ctx, from, true, false)
	},
	"boot-from": func(ctx context.Context, c *bmclib.Client, _ string) (any, error) {
		return c.GetBootDeviceOverride(ctx)
	},
	"media": func(ctx context.Context, c *bmclib.Client, url string) (any, error) {
		return c.SetVirtualMedia(ctx, "CD", url)
	},
	"user": func(ctx context.Context, c *bmclib.Client, name string) (any, error) {
		return c.CreateUser(ctx, name, "secret", "Operator")
	},
	"nmi":   func(ctx context.Context, c *bmclib.Client, _ string) (any, error) { return true, c.SendNMI(ctx) },
	"users": func(ctx context.Context, c *bmclib.Client, _ string) (any, error) { return c.ReadUsers(ctx) },
	"reset": func(ctx context.Context, c *bmclib.Client, how string) (any, error) { return c.ResetBMC(ctx, how) },
	"sel":   func(ctx context.Context, c *bmclib.Client, _ string) (any, error) { return c.GetSystemEventLog(ctx) },
	"sel-clear": func(ctx context.Context, c *bmclib.Client, _ string) (any, error) {
		return true, c.ClearSystemEventLog(ctx)
	},
	"sol-deactivate": func(ctx context.Context, c *bmclib.Client, _ string) (any, error) { return true, c.DeactivateSOL(ctx) },
}

func main() {
	log.SetFlags(0)
	version := flag.Bool("version", false, "print the version of the library")
	provider := flag.String("provider", "", "use this provider of the library alone")
	port := flag.String("port", "", "port of Redfish")
	basic := flag.Bool("basic", false, "log in to Redfish with each request")
	system := flag.String("system", "", "name of the system, if Redfish has several")
	flag.Parse()
	if *version {
		fmt.Println(libraryVersion())
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // as Rufio does
	defer cancel()
	options := []bmclib.Option{bmclib.WithRedfishUseBasicAuth(*basic), bmclib.WithRedfishSystemName(*system)}
	if *port != "" {
		options = append(options, bmclib.WithRedfishPort(*port))
	}
	client := bmclib.NewClient(flag.Arg(0), flag.Arg(1), flag.Arg(2), options...)
	if *provider != "" {
		client.Registry.Drivers = client.Registry.For(*provider)
	}
	if err := do(ctx, client, flag.Arg(3), flag.Arg(4)); err != nil {
		log.Fatal("bmclib: ", err)
	}
}

func do(ctx context.Context, client *bmclib.Client, name, argument string) (err error) {
	action, ok := actions[name]
	if !ok {
		return fmt.Errorf("no action %q", name)
	}
	if err := client.Open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close(ctx)) }()
	result, err := action(ctx, client, argument)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %v\n", client.GetMetadata().SuccessfulProvider, result)
	return nil
}

func libraryVersion() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/bmc-toolbox/bmclib/v2" {
			return module.Version
		}
	}
	return "unknown"
}
