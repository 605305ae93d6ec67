// Goipmi is a BMC made of go-ipmi's server library, as its own reference server is put together, whose power state is
// what a script says. It listens on the address that is its argument, for user "admin".
package main

import (
	"context"
	"log"
	"os"
	"os/exec"

	"github.com/bougou/go-ipmi/pkg/bmc"
	"github.com/bougou/go-ipmi/pkg/clock"
	"github.com/bougou/go-ipmi/pkg/hal"
	"github.com/bougou/go-ipmi/pkg/hal/mock"
	"github.com/bougou/go-ipmi/pkg/server"
	"github.com/bougou/go-ipmi/pkg/transport/udp"
	"github.com/bougou/go-ipmi/pkg/types"
)

type hardware struct{ *mock.HAL }

func (h hardware) Chassis() hal.ChassisHAL { return chassis{h.HAL.Chassis()} }

type chassis struct{ hal.ChassisHAL }

// PowerState implements hal.ChassisHAL.
func (chassis) PowerState(ctx context.Context) (bool, error) {
	out, err := exec.CommandContext(ctx, "sh", "-c", "echo on").Output()
	return string(out) == "on\n", err
}

func main() {
	info := bmc.DeviceInfo{DeviceID: 32, DeviceRevision: 1, FirmwareMajor: 1, IPMIVersion: 0x20}
	b := bmc.New(info, [16]byte{1}, hardware{mock.New()})
	b.Sessions = bmc.NewSessionStoreWithOptions(clock.Real, bmc.WithMaxSessions(64)) // by itself 4, fewer than there are clients
	b.SetCipherSuites([]types.CipherSuiteID{3, 17})
	user, err := b.Users.Add(2, "admin")
	if err != nil {
		log.Fatal(err)
	}
	user.SetPassword([]byte("correct-horse"))
	user.Enabled = true
	user.ChannelAccess[1] = bmc.UserChannelAccess{MaxPrivilege: bmc.PrivilegeLevelAdministrator, Enabled: true}

	conn, err := udp.Listen(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.NewServer(b, conn).Serve(context.Background()))
}
