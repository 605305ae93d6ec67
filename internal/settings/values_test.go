package settings

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJoinOptional(t *testing.T) {
	for _, tt := range []struct{ args, want []string }{
		{[]string{"add", "a", "--redfish", "8443", "b"}, []string{"add", "a", "--redfish=8443", "b"}},
		{[]string{"add", "--redfish", "[::1]:8443+", "a"}, []string{"add", "--redfish=[::1]:8443+", "a"}},
		{[]string{"set", "a", "--redfish", "none"}, []string{"set", "a", "--redfish=none"}},
		{[]string{"add", "--redfish", "a"}, []string{"add", "--redfish", "a"}},
		{[]string{"add", "a", "--redfish"}, []string{"add", "a", "--redfish"}},
		{[]string{"add", "a", "--redfish", "--no-ipmi"}, []string{"add", "a", "--redfish", "--no-ipmi"}},
		{[]string{"add", "a", "--redfish=443", "8443"}, []string{"add", "a", "--redfish=443", "8443"}},
		{[]string{"add", "--", "--redfish", "8443"}, []string{"add", "--", "--redfish", "8443"}},
		{[]string{"add", "a", "--inband", "admin", "b"}, []string{"add", "a", "--inband=admin", "b"}},
		{[]string{"add", "--inband", "a"}, []string{"add", "--inband", "a"}},
		{[]string{"set", "a", "--inband", "off"}, []string{"set", "a", "--inband=off"}},
		{nil, nil},
	} {
		require.Equal(t, tt.want, JoinOptional(tt.args))
	}
}
