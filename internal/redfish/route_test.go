package redfish

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/instance"
)

// Clients write paths with a slash at the end and without, and with several in a row. A system
// has two names.
func TestPaths(t *testing.T) {
	r := withEverything(t, full)
	for path := range resources {
		want := r.get(path)
		for _, other := range []string{path + "/", path + "//", strings.ReplaceAll(path, "/", "//")} {
			require.Equal(t, want.Text, r.get(other).Text, other)
		}
		for _, uuid := range []string{bmcUUID, strings.ToUpper(bmcUUID)} {
			other := strings.ReplaceAll(path, "node-0", uuid)
			require.Equal(t, want.Text, r.get(other).Text, other)
		}
		head := r.do("HEAD", path, "")
		require.Equal(t, want.Status, head.Status)
		require.Equal(t, want.Header, head.Header)
	}
}

func TestUnknownPaths(t *testing.T) {
	r := withEverything(t, full)
	for _, path := range []string{
		"", "/", "/redfish/v2", "/redfish/v1/Systems/node-1", "/redfish/v1/Systems/node-0/Bios", "/redfish/v1/systems",
		"/redfish/v1/Fabrics", sessionsURI + "/9", accountsURI + "/0", accountsURI + "/02", accountsURI + "/16",
		accountsURI + "/258", accountsURI + "/x", tasksURI + "/9", monitorsURI + "/9", logPath + "/Entries/9",
		logPath + "/Entries/01", registriesURI + "/Task", "/redfish/v1/Systems/../Systems", "/redfish/v1/JsonSchemas",
	} {
		got := r.get(path)
		require.Equal(t, http.StatusNotFound, got.Status, path)
		require.Equal(t, []string{"ResourceMissingAtURI"}, got.keys(""))
		r.as("")
		require.Equal(t, http.StatusUnauthorized, r.get(path).Status, "nobody learns what exists")
		r.as("admin")
	}
}

// Some clients decide by Allow what they can do.
func TestMethods(t *testing.T) {
	r := withEverything(t, full)
	for path, allow := range map[string]string{
		systemPath: "GET HEAD PATCH",
		systemPath + "/Actions/ComputerSystem.Reset": "POST",
		managerPath:                  "GET HEAD",
		accountsURI:                  "GET HEAD POST",
		accountsURI + "/2":           "DELETE GET HEAD PATCH",
		accountsURI + "/Members":     "POST",
		sessionsURI + "/1":           "DELETE GET HEAD",
		"/redfish/v1/SessionService": "GET HEAD PATCH",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW", "get", ""} {
			got := r.do(method, path, `{"x": 1}`)
			known := strings.Contains(" "+allow+" ", " "+method+" ") && method != ""
			require.Equal(t, !known, got.Status == http.StatusMethodNotAllowed, "%s %s", method, path)
			if !known {
				require.ElementsMatch(t, strings.Fields(allow), got.Header.Allow)
				require.Equal(t, []string{"OperationNotAllowed"}, got.keys(""))
			}
			if known && (method == "GET" || method == "HEAD") {
				require.ElementsMatch(t, strings.Fields(allow), got.Header.Allow)
			}
			r.users, r.sessions = newRig(t, full).users, newRig(t, full).sessions
		}
	}
}

func TestHeaders(t *testing.T) {
	r := withEverything(t, full)
	require.Equal(t, "https://redfish.dmtf.org/schemas/v1/ComputerSystem.v1_27_0.json", r.get(systemPath).Header.Schema)
	require.Empty(t, r.get("/redfish").Header.Schema)
	require.Empty(t, r.get(systemPath).Header.ETag, "clients send it with actions")
	send := func(version string) response {
		return r.send(Request{Method: "GET", Path: "/redfish/v1", Header: RequestHeader{ODataVersion: version}})
	}
	require.Equal(t, http.StatusOK, send("4.0").Status)
	require.Equal(t, http.StatusPreconditionFailed, send("4.1").Status)
	require.Equal(t, []string{"HeaderInvalid"}, send("4.1").keys(""))
}

func TestQuery(t *testing.T) {
	r := newRig(t, full)
	for _, name := range []string{"$expand", "$select", "$bogus", "only", "excerpt"} {
		got := r.send(Request{Method: "GET", Path: systemPath, Query: []string{name}})
		require.Equal(t, http.StatusNotImplemented, got.Status)
		require.Equal(t, []string{"QueryParameterUnsupported"}, got.keys(""))
	}
	require.Equal(t, http.StatusOK, r.send(Request{Method: "GET", Path: systemPath, Query: []string{"x"}}).Status)
}

// Each method of each resource asks for credentials, and for the privilege that the privilege
// registry has for it.
func TestPrivileges(t *testing.T) {
	public := []string{"GET /redfish", "GET " + root, "GET " + root + "/odata", "GET " + root + "/$metadata",
		"POST " + sessionsURI, "POST " + sessionsURI + "/Members"}
	operators := []string{"PATCH " + root + "/Systems/{bmc}", "PATCH " + root + "/Chassis/{bmc}",
		"POST " + root + "/Systems/{bmc}/Actions/ComputerSystem.Reset",
		"POST " + root + "/Systems/{bmc}/LogServices/SEL/Actions/LogService.ClearLog"}
	// These look into the request: see TestOwnAccount and TestDeleteSession.
	own := []string{"PATCH " + accountsURI + "/{id}", "GET " + accountsURI + "/{id}", "DELETE " + sessionsURI + "/{id}"}

	seen := 0
	for _, route := range Routes {
		for method := range route.Methods {
			name := method + " " + route.Pattern
			path := strings.NewReplacer("{bmc}", "node-0", "{id}", "2").Replace(route.Pattern)
			least := instance.PrivilegeAdministrator
			switch {
			case slices.Contains(public, name):
				least = 0
			case slices.Contains(operators, name):
				least = instance.PrivilegeOperator
			case slices.Contains(own, name) || method == "GET":
				least = instance.PrivilegeUser
			}
			for _, user := range []string{"", "guest", "maas", "admin"} {
				r := withEverything(t, full)
				r.as(user)
				var privilege instance.Privilege
				if r.user != nil {
					privilege = r.user.Privilege
				}
				got := r.do(method, path, `{}`)
				switch {
				case user == "" && least > 0:
					require.Equal(t, http.StatusUnauthorized, got.Status, name)
					require.True(t, got.Header.Challenge)
				case privilege < least:
					require.Equal(t, http.StatusForbidden, got.Status, "%s as %s", name, user)
					require.Equal(t, []string{"InsufficientPrivilege"}, got.keys(""))
				case !slices.Contains(own, name):
					require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, got.Status, "%s as %s", name, user)
				}
				seen++
			}
		}
	}
	require.Greater(t, seen, 150)
	r := newRig(t, full)
	require.True(t, r.Public(&Request{Method: "GET", Path: "/redfish/v1/"}))
	require.False(t, r.Public(&Request{Method: "GET", Path: systemPath}))
	require.False(t, r.Public(&Request{Method: "GET", Path: "/bogus"}))
}
