package redfish

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
)

const (
	resetPath  = systemPath + "/Actions/ComputerSystem.Reset"
	clearPath  = logPath + "/Actions/LogService.ClearLog"
	insertPath = drivePath + "/Actions/VirtualMedia.InsertMedia"
	ejectPath  = drivePath + "/Actions/VirtualMedia.EjectMedia"
	bmcReset   = managerPath + "/Actions/Manager.Reset"
)

// badInput are requests that must change nothing, with the status and the messages of the
// answers, and what the first message is about.
var badInput = []struct {
	name, request, body string
	status              int
	keys                string
	about               string
}{
	{"not JSON", "PATCH " + systemPath, `{"Boot"`, 400, "MalformedJSON", ""},
	{"no body", "PATCH " + systemPath, ``, 400, "MalformedJSON", ""},
	{"a list", "PATCH " + systemPath, `[]`, 400, "MalformedJSON", ""},
	{"null", "PATCH " + systemPath, `null`, 400, "MalformedJSON", ""},
	{"two objects", "PATCH " + systemPath, `{} {}`, 400, "MalformedJSON", ""},
	{"deep", "PATCH " + systemPath, strings.Repeat(`{"a":`, 20000), 400, "MalformedJSON", ""},
	{"nothing", "PATCH " + systemPath, `{}`, 400, "NoOperation", ""},
	{"annotations alone", "PATCH " + systemPath, `{"@odata.id": "/x", "Boot@odata.type": "y"}`, 400, "NoOperation", ""},
	{"unknown", "PATCH " + systemPath, `{"Bogus": 1}`, 400, "PropertyUnknown", "#/Bogus"},
	{"unknown with slashes", "PATCH " + systemPath, `{"a/b~c": 1}`, 400, "PropertyUnknown", "#/a~1b~0c"},
	{"read-only", "PATCH " + systemPath, `{"UUID": "x"}`, 400, "PropertyNotWritable", "#/UUID"},
	{"read-only object", "PATCH " + systemPath, `{"HostWatchdogTimer": {"FunctionEnabled": true}}`, 400, "PropertyNotWritable", "#/HostWatchdogTimer"},
	{"two wrong", "PATCH " + systemPath, `{"UUID": "x", "Bogus": 1}`, 400, "PropertyUnknown PropertyNotWritable", "#/Bogus"},
	{"wrong type", "PATCH " + systemPath, `{"PowerRestorePolicy": 1}`, 400, "PropertyValueTypeError", "#/PowerRestorePolicy"},
	{"null for a word", "PATCH " + systemPath, `{"PowerRestorePolicy": null}`, 400, "PropertyValueTypeError", "#/PowerRestorePolicy"},
	{"not in list", "PATCH " + systemPath, `{"PowerRestorePolicy": "alwayson"}`, 400, "PropertyValueNotInList", "#/PowerRestorePolicy"},
	{"string for bool", "PATCH " + systemPath, `{"LocationIndicatorActive": "true"}`, 400, "PropertyValueTypeError", "#/LocationIndicatorActive"},
	{"LED of another kind", "PATCH " + chassisPath, `{"IndicatorLED": "On"}`, 400, "PropertyValueNotInList", "#/IndicatorLED"},
	{"two indicators", "PATCH " + systemPath, `{"IndicatorLED": "Off", "LocationIndicatorActive": true}`, 400, "PropertyValueConflict", "#/IndicatorLED"},
	{"two scripts", "PATCH " + systemPath, `{"LocationIndicatorActive": true, "Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"}}`, 400, "PropertyValueConflict", "#/LocationIndicatorActive"},
	{"a script and the state", "PATCH " + systemPath, `{"LocationIndicatorActive": true, "PowerRestorePolicy": "AlwaysOn"}`, 400, "PropertyValueConflict", "#/PowerRestorePolicy"},
	{"Boot is no object", "PATCH " + systemPath, `{"Boot": "Pxe"}`, 400, "PropertyValueTypeError", "#/Boot"},
	{"Boot is null", "PATCH " + systemPath, `{"Boot": null}`, 400, "PropertyValueTypeError", "#/Boot"},
	{"Boot without anything", "PATCH " + systemPath, `{"Boot": {}}`, 400, "NoOperation", ""},
	{"target", "PATCH " + systemPath, `{"Boot": {"BootSourceOverrideTarget": "Usb"}}`, 400, "PropertyValueNotInList", "#/Boot/BootSourceOverrideTarget"},
	{"target of a good override", "PATCH " + systemPath, `{"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Bogus"}}`, 400, "PropertyValueNotInList", "#/Boot/BootSourceOverrideTarget"},
	{"Enabled as a Foreman has it", "PATCH " + systemPath, `{"Boot": {"BootSourceOverrideEnabled": "Enabled", "BootSourceOverrideTarget": "Pxe"}}`, 400, "PropertyValueNotInList", "#/Boot/BootSourceOverrideEnabled"},
	{"mode", "PATCH " + systemPath, `{"Boot": {"BootSourceOverrideMode": 1}}`, 400, "PropertyValueTypeError", "#/Boot/BootSourceOverrideMode"},
	{"unknown below Boot", "PATCH " + systemPath, `{"Boot": {"Bogus": 1}}`, 400, "PropertyUnknown", "#/Boot/Bogus"},

	{"no reset type", "POST " + resetPath, `{}`, 400, "ActionParameterMissing", "#/ResetType"},
	{"no parameters", "POST " + resetPath, ``, 400, "ActionParameterMissing", "#/ResetType"},
	{"reset type", "POST " + resetPath, `{"ResetType": "Reset"}`, 400, "ActionParameterValueNotInList", "#/ResetType"},
	{"push", "POST " + resetPath, `{"ResetType": "PushPowerButton"}`, 400, "ActionParameterValueNotInList", "#/ResetType"},
	{"reset type is null", "POST " + resetPath, `{"ResetType": null}`, 400, "ActionParameterValueTypeError", "#/ResetType"},
	{"unknown parameter", "POST " + resetPath, `{"ResetType": "On", "Bogus": 1}`, 400, "ActionParameterUnknown", "#/Bogus"},
	{"not JSON for an action", "POST " + resetPath, `{`, 400, "MalformedJSON", ""},
	{"parameter of clear", "POST " + clearPath, `{"Bogus": 1}`, 400, "ActionParameterUnknown", "#/Bogus"},
	{"reset of the BMC as a Foreman has it", "POST " + bmcReset, `{"ResetType": "Reset"}`, 400, "ActionParameterValueNotInList", "#/ResetType"},

	{"timeout too short", "PATCH /redfish/v1/SessionService", `{"SessionTimeout": 29}`, 400, "PropertyValueOutOfRange", "#/SessionTimeout"},
	{"timeout too long", "PATCH /redfish/v1/SessionService", `{"SessionTimeout": 86401}`, 400, "PropertyValueOutOfRange", "#/SessionTimeout"},
	{"timeout with a fraction", "PATCH /redfish/v1/SessionService", `{"SessionTimeout": 30.5}`, 400, "PropertyValueTypeError", "#/SessionTimeout"},
	{"session without password", "POST " + sessionsURI, `{"UserName": "admin"}`, 400, "PropertyMissing", "#/Password"},
	{"session without anything", "POST " + sessionsURI + "/Members", `{}`, 400, "PropertyMissing PropertyMissing", "#/Password"},
	{"session without a body", "POST " + sessionsURI, ``, 400, "MalformedJSON", ""},
	{"password is a number", "POST " + sessionsURI, `{"UserName": "admin", "Password": 1234567}`, 400, "PropertyValueError", "#/Password"},
	{"wrong password", "POST " + sessionsURI, `{"UserName": "admin", "Password": "passwor"}`, 401, "NoValidSession", ""},
	{"longer password", "POST " + sessionsURI, `{"UserName": "maas", "Password": "a password of 20 by.xxxxxxxxxx"}`, 401, "NoValidSession", ""},
	{"wrong name", "POST " + sessionsURI, `{"UserName": "bogus", "Password": "password"}`, 401, "NoValidSession", ""},

	{"account without role", "POST " + accountsURI, `{"UserName": "new", "Password": "secret"}`, 400, "PropertyMissing", "#/RoleId"},
	{"account without anything", "POST " + accountsURI, `{}`, 400, "PropertyMissing PropertyMissing PropertyMissing", "#/Password"},
	{"account with a bad role", "POST " + accountsURI, `{"UserName": "new", "Password": "secret", "RoleId": "root"}`, 400, "PropertyValueNotInList", "#/RoleId"},
	{"account with more", "POST " + accountsURI, `{"UserName": "new", "Password": "secret", "RoleId": "Operator", "Bogus": 1}`, 400, "PropertyUnknown", "#/Bogus"},
	{"account without name", "POST " + accountsURI, `{"UserName": "", "Password": "secret", "RoleId": "Operator"}`, 400, "PropertyValueFormatError", "#/UserName"},
	{"account with a long name", "POST " + accountsURI, `{"UserName": "a name of 17 byte", "Password": "secret", "RoleId": "Operator"}`, 400, "PropertyValueFormatError", "#/UserName"},
	{"account with an empty password", "POST " + accountsURI, `{"UserName": "new", "Password": "", "RoleId": "Operator"}`, 400, "PasswordIncorrectLength", "#/Password"},
	{"account with a long password", "POST " + accountsURI, `{"UserName": "new", "Password": "a password of 21 byte", "RoleId": "Operator"}`, 400, "PasswordIncorrectLength", "#/Password"},
	{"account with an odd password", "POST " + accountsURI, `{"UserName": "new", "Password": "tab\t1234567", "RoleId": "Operator"}`, 400, "PropertyValueError", "#/Password"},
	{"name is taken", "POST " + accountsURI, `{"UserName": "maas", "Password": "secret", "RoleId": "Operator"}`, 409, "ResourceAlreadyExists", "#/UserName"},
	{"name of another", "PATCH " + accountsURI + "/3", `{"UserName": "admin"}`, 409, "ResourceAlreadyExists", "#/UserName"},
	{"read-only of an account", "PATCH " + accountsURI + "/3", `{"AccountTypes": ["Redfish"]}`, 400, "PropertyNotWritable", "#/AccountTypes"},
	{"password is null", "PATCH " + accountsURI + "/3", `{"Password": null}`, 400, "PropertyValueError", "#/Password"},
	{"nothing of an account", "PATCH " + accountsURI + "/3", `{}`, 400, "NoOperation", ""},
	{"no such account", "PATCH " + accountsURI + "/4", `{"Enabled": false}`, 404, "ResourceMissingAtURI", ""},
	{"last administrator", "PATCH " + accountsURI + "/2", `{"RoleId": "Operator"}`, 409, "AccountNotModified", ""},
	{"last administrator disabled", "PATCH " + accountsURI + "/2", `{"Enabled": false}`, 409, "AccountNotModified", ""},
	{"last administrator deleted", "DELETE " + accountsURI + "/2", ``, 409, "ResourceCannotBeDeleted", ""},
	{"no image", "POST " + insertPath, `{}`, 400, "ActionParameterMissing", "#/Image"},
	{"no body for an image", "POST " + insertPath, ``, 400, "ActionParameterMissing", "#/Image"},
	{"image is null", "POST " + insertPath, `{"Image": null}`, 400, "ActionParameterValueTypeError", "#/Image"},
	{"image is empty", "POST " + insertPath, `{"Image": ""}`, 400, "ActionParameterValueError", "#/Image"},
	{"scheme of an image", "POST " + insertPath, `{"Image": "nfs://h/a.iso"}`, 400, "ActionParameterValueError", "#/Image"},
	{"user info", "POST " + insertPath, `{"Image": "http://admin:1234567@h.example/a.iso"}`, 400, "ActionParameterValueError", "#/Image"},
	{"quotes", "POST " + insertPath, `{"Image": "http://h.example/a'$(id).iso"}`, 400, "ActionParameterValueError", "#/Image"},
	{"loopback", "POST " + insertPath, `{"Image": "http://127.0.0.1/a.iso"}`, 400, "ActionParameterValueError", "#/Image"},
	{"link-local", "POST " + insertPath, `{"Image": "http://169.254.169.254/a.iso"}`, 400, "ActionParameterValueError", "#/Image"},
	{"not inserted", "POST " + insertPath, `{"Image": "http://h.example/a.iso", "Inserted": false}`, 400, "ActionParameterNotSupported", "#/Inserted"},
	{"other protocol", "POST " + insertPath, `{"Image": "http://h.example/a.iso", "TransferProtocolType": "HTTPS"}`, 400, "ActionParameterValueNotInList", "#/TransferProtocolType"},
	{"unknown protocol", "POST " + insertPath, `{"Image": "http://h.example/a.iso", "TransferProtocolType": "NFS"}`, 400, "ActionParameterValueNotInList", "#/TransferProtocolType"},
	{"unknown media", "POST " + insertPath, `{"Image": "http://h.example/a.iso", "MediaType": "USBStick"}`, 400, "ActionParameterValueNotInList", "#/MediaType"},
	{"unknown method", "POST " + insertPath, `{"Image": "http://h.example/a.iso", "TransferMethod": "x"}`, 400, "ActionParameterValueNotInList", "#/TransferMethod"},
	{"name with a colon", "POST " + insertPath, `{"Image": "http://h.example/a.iso", "UserName": "a:b", "Password": "1234567"}`, 400, "ActionParameterValueError", "#/UserName"},
	{"password without a name", "POST " + insertPath, `{"Image": "http://h.example/a.iso", "Password": "1234567"}`, 400, "ActionParameterValueError", "#/UserName"},
	{"parameter of insert", "POST " + insertPath, `{"Image": "http://h.example/a.iso", "Bogus": 1}`, 400, "ActionParameterUnknown", "#/Bogus"},
	{"parameter of eject", "POST " + ejectPath, `{"Bogus": 1}`, 400, "ActionParameterUnknown", "#/Bogus"},
	{"image by PATCH", "PATCH " + drivePath, `{"Image": "http://h.example/a.iso"}`, 400, "PropertyNotWritable", "#/Image"},
	{"no account to delete", "DELETE " + accountsURI + "/4", ``, 404, "ResourceMissingAtURI", ""},
	{"no session to delete", "DELETE " + sessionsURI + "/4", ``, 404, "ResourceMissingAtURI", ""},
}

func TestBadInput(t *testing.T) {
	for _, c := range badInput {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, full)
			users, sessions, state := string(r.users.Marshal()), r.sessions, r.Machine.State
			method, path, _ := strings.Cut(c.request, " ")
			got := r.do(method, path, c.body)
			require.Equal(t, c.status, got.Status, got.Text)
			require.Equal(t, strings.Fields(c.keys), got.keys(""))
			checkError(t, got)
			if c.about != "" {
				info := got.at("error", "@Message.ExtendedInfo").([]any)[0].(map[string]any)
				require.Equal(t, []any{c.about}, info["RelatedProperties"])
			}
			require.Equal(t, users, string(r.users.Marshal()), "nothing has changed")
			require.Equal(t, sessions, r.sessions)
			require.Equal(t, 30*60, int(r.timeout.Seconds()))
			require.Equal(t, state, r.Machine.State)
			require.Empty(t, r.ran)
			for _, secret := range []string{"1234567", "a password of", "passwor\""} {
				require.NotContains(t, got.Text, secret)
			}
		})
	}
}

// checkError checks the body of an error (DSP0266, error responses).
func checkError(t *testing.T, got response) {
	t.Helper()
	info := got.at("error", "@Message.ExtendedInfo").([]any)
	require.NotEmpty(t, info)
	first := info[0].(map[string]any)
	require.Equal(t, first["MessageId"], got.at("error", "code"))
	require.Equal(t, first["Message"], got.at("error", "message"))
	for _, m := range info {
		m := m.(map[string]any)
		require.Equal(t, "#Message.v1_3_0.Message", m["@odata.type"])
		require.Regexp(t, `^Base\.1\.22\.[A-Za-z]+$`, m["MessageId"])
		require.Contains(t, []string{"Critical", "Warning"}, m["MessageSeverity"])
		require.Equal(t, m["MessageSeverity"], m["Severity"], "some clients read the old name")
		require.NotEmpty(t, m["Message"])
		require.NotEmpty(t, m["Resolution"])
		require.IsType(t, []any{}, m["MessageArgs"])
	}
}

func TestContentType(t *testing.T) {
	for content, status := range map[string]int{
		"application/json":                   http.StatusNoContent,
		"application/json; charset=utf-8":    http.StatusNoContent,
		"Application/JSON;charset=\"utf-8\"": http.StatusNoContent,
		"":                                   http.StatusNoContent,
		"text/plain":                         http.StatusUnsupportedMediaType,
		"application/x-www-form-urlencoded":  http.StatusUnsupportedMediaType,
		"application/json-patch+json":        http.StatusUnsupportedMediaType,
		";":                                  http.StatusUnsupportedMediaType,
	} {
		r := newRig(t, full)
		got := r.send(Request{Method: "POST", Path: resetPath, Body: []byte(`{"ResetType":"On"}`), Header: RequestHeader{ContentType: content}})
		require.Equal(t, status, got.Status, content)
		if status == http.StatusUnsupportedMediaType {
			require.Equal(t, []string{"HeaderInvalid"}, got.keys(""))
			require.Empty(t, r.ran)
		}
	}
	r := newRig(t, full)
	got := r.send(Request{Method: "POST", Path: clearPath, Header: RequestHeader{ContentType: "text/plain"}})
	require.Equal(t, http.StatusNoContent, got.Status, "without a body its type does not matter")
}

// The service writes the good properties, and the answer names the bad ones.
func TestMixedPatch(t *testing.T) {
	r := newRig(t, full)
	got := r.do("PATCH", systemPath, `{"PowerRestorePolicy": "AlwaysOn", "UUID": "x", "Bogus": {"a": 1}, "Boot": {"Bogus": 1, "BootSourceOverrideMode": 7}}`)
	require.Equal(t, http.StatusOK, got.Status)
	require.Equal(t, machine.RestoreOn, r.Machine.State.Restore)
	require.Equal(t, 1, r.stored)
	require.Equal(t, "AlwaysOn", got.at("PowerRestorePolicy"))
	require.Equal(t, []string{"PropertyNotWritable"}, got.keys("UUID"))
	require.Equal(t, []string{"PropertyUnknown"}, got.keys("Bogus"))
	require.ElementsMatch(t, []string{"PropertyUnknown", "PropertyValueTypeError"}, got.keys("Boot"))

	got = r.do("PATCH", accountsURI+"/3", `{"RoleId": "ReadOnly", "Bogus": 1, "Enabled": "no"}`)
	require.Equal(t, http.StatusOK, got.Status)
	require.Equal(t, "ReadOnly", got.at("RoleId"))
	require.Equal(t, []string{"PropertyUnknown"}, got.keys("Bogus"))
	require.Equal(t, []string{"PropertyValueTypeError"}, got.keys("Enabled"))
}

// A change that cannot be stored was not made.
func TestNoSpace(t *testing.T) {
	for request, body := range map[string]string{
		"PATCH " + systemPath:         `{"PowerRestorePolicy": "AlwaysOn"}`,
		"POST " + clearPath:           ``,
		"PATCH " + accountsURI + "/3": `{"Enabled": false}`,
	} {
		r := newRig(t, full)
		r.noSpace = true
		method, path, _ := strings.Cut(request, " ")
		got := r.do(method, path, body)
		require.Equal(t, http.StatusInternalServerError, got.Status)
		require.Equal(t, []string{"InternalError"}, got.keys(""))
	}
}
