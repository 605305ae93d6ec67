//go:build e2e

package crash

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	system = "/redfish/v1/Systems/node-0"
	drive  = system + "/VirtualMedia/Cd"
)

// A poster is a client of Redfish. It sends a request again, over a new connection, until there is an answer.
type poster struct {
	http.Client
	t     *testing.T
	host  *host
	base  string
	token string // of its session; empty: it sends name and password
}

// listens adds Redfish to the host, which does not serve yet, and returns a client.
func (h *host) listens() *poster {
	at, trusted := h.ListenForRedfish()
	p := &poster{t: h.t, host: h, base: "https://" + at.String()}
	p.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, DisableKeepAlives: true}
	p.Timeout = 10 * time.Second // as redfishtool has it
	return p
}

// ask sends a request until there is an answer, and returns its status, header and body.
func (p *poster) ask(method, path, body string) (status int, header http.Header, text string) {
	p.t.Helper()
	for try := 0; ; try++ {
		r, err := http.NewRequest(method, p.base+path, bytes.NewReader([]byte(body)))
		require.NoError(p.t, err)
		r.Header.Set("Content-Type", "application/json")
		if p.token != "" {
			r.Header.Set("X-Auth-Token", p.token)
		} else {
			r.SetBasicAuth("admin", "correct horse")
		}
		response, err := p.Do(r)
		var content []byte
		if err == nil {
			content, err = io.ReadAll(response.Body)
			response.Body.Close()
		}
		if err == nil {
			return response.StatusCode, response.Header, string(content)
		}
		require.Less(p.t, try, tries, "%s %s: %v", method, path, err)
	}
}

// logIn opens a session.
func (p *poster) logIn() {
	status, header, body := p.ask("POST", "/redfish/v1/SessionService/Sessions", `{"UserName":"admin","Password":"correct horse"}`)
	require.Equal(p.t, http.StatusCreated, status, body)
	p.token = header.Get("X-Auth-Token")
}

// act has an action carried out, and checks that the script of its verb ran once, or not at all if the answer says that it
// failed. It waits for the end of a task.
func (p *poster) act(verb, method, path, body string) (done bool) {
	p.t.Helper()
	before := p.host.runs(verb)
	status, header, text := p.ask(method, path, body)
	for monitor := header.Get("Location"); status == http.StatusAccepted; {
		time.Sleep(100 * time.Millisecond)
		status, _, text = p.ask("GET", monitor, "")
	}
	done = status == http.StatusNoContent || status == http.StatusOK
	require.True(p.t, done || status >= http.StatusInternalServerError, "%d %s", status, text)
	want := before
	if done {
		want++
	}
	require.Equal(p.t, want, p.host.runs(verb), "%s: %d %s", verb, status, text)
	return done
}

func (p *poster) reset(verb, kind string) (done bool) {
	p.t.Helper()
	return p.act(verb, "POST", system+"/Actions/ComputerSystem.Reset", `{"ResetType":"`+kind+`"}`)
}

// powerState is "On" or "Off".
func (p *poster) powerState() string {
	p.t.Helper()
	status, _, body := p.ask("GET", system, "")
	require.Equal(p.t, http.StatusOK, status, body)
	var s struct{ PowerState string }
	require.NoError(p.t, json.Unmarshal([]byte(body), &s))
	return s.PowerState
}

// overRedfish is what a client of Redfish wants of a BMC while its process dies, the first one or the one after it.
var overRedfish = map[string]struct {
	process int
	talk    func(h *host, p *poster)
}{
	"power": {1, func(_ *host, p *poster) {
		p.reset("power-off", "ForceOff")
		if p.reset("power-on", "On") { // the restart of a machine that is off is a start
			require.Equal(p.t, "On", p.powerState())
			p.reset("power-reset", "ForceRestart")
		}
	}},
	"boot device": {1, func(_ *host, p *poster) {
		p.act("boot-set", "PATCH", system, `{"Boot":{"BootSourceOverrideEnabled":"Continuous","BootSourceOverrideTarget":"Pxe"}}`)
		p.act("boot-set", "PATCH", system, `{"Boot":{"BootSourceOverrideEnabled":"Continuous","BootSourceOverrideTarget":"Hdd"}}`)
	}},
	"media": {1, func(_ *host, p *poster) {
		p.logIn()
		p.act("media-insert", "POST", drive+"/Actions/VirtualMedia.InsertMedia", `{"Image":"http://192.0.2.1/boot.iso","UserName":"me","Password":"hidden"}`)
		p.act("media-eject", "POST", drive+"/Actions/VirtualMedia.EjectMedia", "")
	}},
	"task": {2, func(h *host, p *poster) {
		h.dieAndGo("power-cycle")
		p.reset("power-cycle", "PowerCycle")
		require.Equal(h.t, "On", p.powerState())
	}},
}

// TestDeathAtAnyInstantOverRedfish is TestDeathAtAnyInstant with a client that repeats its POST.
func TestDeathAtAnyInstantOverRedfish(t *testing.T) {
	for name, d := range overRedfish {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyDeath(t, func(t *testing.T, nth int) int {
				h := newHost(t)
				h.Write("provider.conf", scripts+"[MEDIA]\ninsert = echo \"$SHIPMI_VERB\" >>ran\neject = echo \"$SHIPMI_VERB\" >>ran\n")
				h.traced, h.nth = d.process, nth
				p := h.listens()
				h.serve()
				d.talk(h, p)
				if nth == 0 {
					h.kill(syscall.SIGTERM)
					h.idle()
				}
				return h.calls
			})
		})
	}
}
