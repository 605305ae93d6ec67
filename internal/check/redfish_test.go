package check

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/certificate"
	"github.com/shipmi/shipmi/internal/instance"
)

// answers is a service of Redfish that answers each path with one body.
type answers map[string]string

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, known := a[r.URL.Path]
	name, password, login := r.BasicAuth()
	switch {
	case r.URL.Path == "/redfish/v1/" && login:
		w.WriteHeader(http.StatusBadRequest)
	case r.URL.Path != "/redfish/v1/" && (name != "admin" || password != "secret"):
		w.WriteHeader(http.StatusUnauthorized)
	case body == "moved":
		http.Redirect(w, r, "/", http.StatusFound)
	case !known:
		w.WriteHeader(http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("OData-Version", "4.0")
		fmt.Fprint(w, body)
	}
}

// client returns a client of a service, and where it puts its exchanges.
func client(t *testing.T, service http.Handler) (Redfish, *[]Exchange) {
	addr := netip.MustParseAddr("127.0.0.1")
	cert, key, err := certificate.Create([]string{"rack-3"}, []netip.Addr{addr}, time.Now())
	require.NoError(t, err)
	pair, err := tls.X509KeyPair(cert, key)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(service)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)

	all := new([]Exchange)
	return Redfish{
		Addr: netip.MustParseAddrPort(server.Listener.Addr().String()), Name: "node-0",
		User:  instance.User{Name: "admin", Password: instance.Hide("secret")},
		Roots: cert, ServerName: "127.0.0.1", Timeout: 10 * time.Second, Now: time.Now,
		Report: func(e Exchange) {
			e.Took = 0
			*all = append(*all, e)
		},
	}, all
}

func service(system string) answers {
	return answers{
		"/redfish/v1/":               `{"RedfishVersion": "1.20.0", "Systems": {"@odata.id": "/redfish/v1/Systems"}}`,
		"/redfish/v1/Systems/node-0": system,
	}
}

func TestRedfish(t *testing.T) {
	for status, state := range map[string]string{"on": `"On"`, "off": `"Off"`, "": "null"} {
		c, got := client(t, service(`{"PowerState": `+state+`}`))
		require.NoError(t, c.Run(context.Background(), status))
		require.Equal(t, []Exchange{
			{Request: "GET /redfish/v1/", Answer: "HTTP/1.1 200 OK, RedfishVersion 1.20.0"},
			{Request: "GET /redfish/v1/Systems/node-0", Answer: "HTTP/1.1 200 OK, PowerState " + powerState(status)},
		}, *got)
	}
}

func TestRedfishFails(t *testing.T) {
	for name, tt := range map[string]struct {
		service answers
		change  func(*Redfish)
		want    []string // errors
	}{
		"another state":   {service(`{"PowerState": "Off"}`), nil, []string{"", `PowerState is Off, want On: the status script printed "on"`}},
		"no state":        {service(`{"PowerState": null}`), nil, []string{"", `PowerState is null, want On: the status script printed "on"`}},
		"no JSON":         {service(`hello`), nil, []string{"", "invalid character 'h' looking for beginning of value"}},
		"no system":       {answers{"/redfish/v1/": `{}`}, nil, []string{`the service root names "" as its systems, want "/redfish/v1/Systems"`, "it answers 404 Not Found"}},
		"a redirect":      {service("moved"), nil, []string{"", "it answers 302 Found"}},
		"another user":    {service("{}"), func(c *Redfish) { c.User.Name = "eve" }, []string{"", "it answers 401 Unauthorized"}},
		"another name":    {service("{}"), func(c *Redfish) { c.ServerName = "rack-4" }, []string{"certificate is valid for", "certificate is valid for"}},
		"an old one":      {service("{}"), func(c *Redfish) { c.Now = func() time.Time { return time.Now().AddDate(3, 0, 0) } }, []string{"expired", "expired"}},
		"another's roots": {service("{}"), func(c *Redfish) { c.Roots, _, _ = certificate.Create(nil, nil, time.Now()) }, []string{"unknown authority", "unknown authority"}},
		"nobody there":    {service("{}"), func(c *Redfish) { c.Addr = netip.MustParseAddrPort("127.0.0.1:1") }, []string{"connection refused", "connection refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, got := client(t, tt.service)
			if tt.change != nil {
				tt.change(&c)
			}
			require.NoError(t, c.Run(context.Background(), "on"))
			require.Len(t, *got, len(tt.want))
			for i, want := range tt.want {
				if want == "" {
					require.Empty(t, (*got)[i].Error)
				}
				require.ErrorContains(t, fmt.Errorf("%s", (*got)[i].Error), want)
				require.NotContains(t, (*got)[i].Error, "secret")
			}
		})
	}
}

// A service that is something else, such as a web server, is named.
func TestRedfishHeaders(t *testing.T) {
	for want, headers := range map[string]map[string]string{
		`Content-Type is "text/html", want "application/json"`: {"Content-Type": "text/html; charset=utf-8", "OData-Version": "4.0"},
		`OData-Version is "", want "4.0"`:                      {"Content-Type": "application/json"},
	} {
		c, got := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for name, value := range headers {
				w.Header().Set(name, value)
			}
			fmt.Fprint(w, "{}")
		}))
		require.NoError(t, c.Run(context.Background(), "on"))
		require.Equal(t, want, (*got)[0].Error)
	}
}
