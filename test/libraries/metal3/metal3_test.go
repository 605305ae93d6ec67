// Package metal3 asks Metal3's own code what it makes of the addresses that the guide has for it.
package metal3

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/metal3-io/baremetal-operator/pkg/hardwareutils/bmc"
	"github.com/stretchr/testify/require"
)

// The guide has Ironic told what Metal3 would tell it. Metal3 can only say that no certificate is verified, and the guide
// names one.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/consumers.md")
	require.NoError(t, err)
	for scheme, user := range map[string]string{"ipmi": "ironic", "redfish-virtualmedia": "ironic-media"} {
		driver, _, _ := strings.Cut(scheme, "-")
		told := map[string]any{}
		for _, m := range regexp.MustCompile(`--driver-info (`+driver+`_\w+)=(".*"|\S+)`).FindAllStringSubmatch(string(guide), -1) {
			told[m[1]] = m[2]
		}
		delete(told, "redfish_verify_ca")
		address := regexp.MustCompile(`address: (` + scheme + `://\S+)`).FindStringSubmatch(string(guide))
		require.NotEmpty(t, address)

		metal3, err := bmc.NewAccessDetails(address[1], false)
		require.NoError(t, err)
		require.Equal(t, told, metal3.DriverInfo(bmc.Credentials{Username: user, Password: `"$(cat secret)"`}))
	}
}

// Metal3 keeps the port of the gateway, and the name of the system in the path.
func TestGateway(t *testing.T) {
	page, err := os.ReadFile("../../../docs/redfish.md")
	require.NoError(t, err)
	address := regexp.MustCompile("`(redfish-virtualmedia://[^`]+:8000/[^`]+)`").FindStringSubmatch(string(page))
	require.NotEmpty(t, address)
	metal3, err := bmc.NewAccessDetails(address[1], false)
	require.NoError(t, err)
	told := metal3.DriverInfo(bmc.Credentials{Username: "admin", Password: "sesame"})
	require.Equal(t, "https://192.0.2.10:8000", told["redfish_address"])
	require.Equal(t, "/redfish/v1/Systems/node-3", told["redfish_system_id"])
}
