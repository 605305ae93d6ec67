// Package metal3 asks Metal3's own code what it makes of the address that the guide has for it.
package metal3

import (
	"os"
	"regexp"
	"testing"

	"github.com/metal3-io/baremetal-operator/pkg/hardwareutils/bmc"
	"github.com/stretchr/testify/require"
)

// The guide has Ironic told what Metal3 would tell it.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/consumers.md")
	require.NoError(t, err)
	told := map[string]any{}
	for _, m := range regexp.MustCompile(`--driver-info (\w+)=(".*"|\S+)`).FindAllStringSubmatch(string(guide), -1) {
		told[m[1]] = m[2]
	}
	address := regexp.MustCompile(`address: (ipmi://\S+)`).FindStringSubmatch(string(guide))
	require.NotEmpty(t, address)

	metal3, err := bmc.NewAccessDetails(address[1], false)
	require.NoError(t, err)
	require.Equal(t, told, metal3.DriverInfo(bmc.Credentials{Username: "ironic", Password: `"$(cat secret)"`}))
}
