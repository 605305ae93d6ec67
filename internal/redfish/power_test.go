package redfish

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

func (r *rig) reset(word string) response {
	r.t.Helper()
	return r.do("POST", resetPath, fmt.Sprintf(`{"ResetType": %q}`, word))
}

// A machine that is off is not restarted but switched on.
func TestReset(t *testing.T) {
	for _, c := range []struct{ word, on, off string }{
		{"On", "power on", "power on"},
		{"ForceOn", "power on", "power on"},
		{"ForceOff", "power off", "power off"},
		{"GracefulShutdown", "power shutdown", "power shutdown"},
		{"GracefulRestart", "power shutdown restart", "power on"},
		{"ForceRestart", "power reset", "power on"},
		{"PowerCycle", "power cycle", "power cycle"},
		{"Nmi", "power diag", "power diag"},
	} {
		for on, want := range map[bool]string{true: c.on, false: c.off} {
			r := newRig(t, full)
			r.does[provider.Status] = machine.Reading{On: on}
			got := r.reset(c.word)
			require.Equal(t, http.StatusNoContent, got.Status)
			require.Nil(t, got.Answer.Body)
			require.Equal(t, []string{want}, r.ran, c.word)
		}
		r := newRig(t, full)
		r.does[provider.Status] = machine.Reading{Err: provider.ErrTimeout}
		require.Equal(t, http.StatusNoContent, r.reset(c.word).Status)
		require.Equal(t, []string{c.on}, r.ran, "if nobody knows, the script decides")
	}
}

func TestResetWithoutAScript(t *testing.T) {
	for _, word := range []string{"ForceRestart", "GracefulRestart", "GracefulShutdown", "PowerCycle", "Nmi"} {
		r := newRig(t, lean)
		got := r.reset(word)
		require.Equal(t, http.StatusBadRequest, got.Status)
		require.Equal(t, []string{"ActionParameterValueNotInList"}, got.keys(""))
	}
	r := newRig(t, []provider.Verb{provider.Status, provider.Shutdown, provider.Reset})
	require.Equal(t, http.StatusBadRequest, r.reset("GracefulRestart").Status, "nothing could start it again")
	r.does[provider.Status] = machine.Reading{}
	require.Equal(t, http.StatusNoContent, r.reset("GracefulShutdown").Status)
	require.Equal(t, http.StatusNoContent, r.reset("ForceRestart").Status)
	require.Equal(t, []string{"power shutdown", "power reset"}, r.ran)
}

// Each outcome has its status. No 409 has the key that has some clients repeat for minutes.
func TestOutcomesOfAReset(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		key    string
	}{
		{&provider.Error{Exit: 65, Err: provider.ErrState}, 409, "ResourceInUse"},
		{&provider.Error{Exit: 66, Err: provider.ErrUnsupported}, 400, "ActionParameterNotSupported"},
		{&provider.Error{Exit: 75, Err: provider.ErrBusy}, 503, "ServiceTemporarilyUnavailable"},
		{&provider.Error{Err: provider.ErrNoScript}, 400, "ActionParameterNotSupported"},
		{&provider.Error{Err: provider.ErrTimeout}, 500, "OperationTimeout"},
		{&provider.Error{Err: provider.ErrSuperseded}, 409, "ResourceInUse"},
		{&provider.Error{Exit: 1}, 500, "InternalError"},
	} {
		r := newRig(t, full)
		r.fails = c.err
		got := r.reset("ForceOff")
		require.Equal(t, c.status, got.Status, "%v", c.err)
		require.Equal(t, []string{c.key}, got.keys(""))
		checkError(t, got)
		require.Equal(t, c.status == http.StatusServiceUnavailable, got.Header.RetryAfter > 0)
		require.Equal(t, "Base.1.22."+c.key, got.Answer.Reason())
	}
	require.Equal(t, http.StatusBadRequest, Respond(machine.Unsupported).Status)
	require.Equal(t, http.StatusInternalServerError, Respond("of a later version").Status)
	require.Empty(t, done(nil).Reason())
}

func TestUnsupportedVerbs(t *testing.T) {
	r := newRig(t, full)
	r.fails = provider.ErrUnsupported
	got := r.do("PATCH", systemPath, `{"LocationIndicatorActive": true}`)
	require.Equal(t, http.StatusBadRequest, got.Status)
	require.Equal(t, []string{"PropertyValueError"}, got.keys(""))
}

// A reset of the BMC ends all sessions and the process.
func TestResetOfTheBMC(t *testing.T) {
	for _, body := range []string{``, `{}`, `{"ResetType": "GracefulRestart"}`, `{"ResetType": "ForceRestart"}`} {
		got := newRig(t, lean).do("POST", bmcReset, body)
		require.Equal(t, http.StatusNoContent, got.Status)
		require.True(t, got.Answer.Restart)
		require.Equal(t, []string{"1", "2"}, got.Answer.Ends)
	}
}

func TestIndicator(t *testing.T) {
	for _, path := range []string{systemPath, chassisPath} {
		for body, on := range map[string]bool{
			`{"LocationIndicatorActive": true}`:                         true,
			`{"LocationIndicatorActive": false}`:                        false,
			`{"IndicatorLED": "Lit"}`:                                   true,
			`{"IndicatorLED": "Blinking"}`:                              true,
			`{"IndicatorLED": "Off"}`:                                   false,
			`{"IndicatorLED": "Off", "LocationIndicatorActive": false}`: false,
		} {
			for _, scripts := range [][]provider.Verb{full, lean} {
				r := newRig(t, scripts)
				r.Machine.Update(func(s *machine.State) { s.Identify.Forced = !on })
				got := r.do("PATCH", path, body)
				require.Equal(t, http.StatusOK, got.Status, got.Text)
				require.Equal(t, on, got.at("LocationIndicatorActive"))
				require.Equal(t, on, got.at("IndicatorLED") == "Lit")
				if r.has(provider.Identify) {
					require.Equal(t, []string{fmt.Sprint("chassis identify ", on)}, r.ran)
				}
			}
		}
	}
}
