package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/shipmi/shipmi/internal/instance"
)

// A Redfish is a client of the Redfish service of one BMC.
type Redfish struct {
	Addr       netip.AddrPort
	Socket     string // path of the local socket for the gateway, if there is no Addr
	Name       string // of the BMC
	User       instance.User
	Roots      []byte // the certificates that it trusts, in PEM
	ServerName string // which the certificate of the BMC must have
	Timeout    time.Duration
	Now        func() time.Time
	Report     func(Exchange) // called for each request that has ended
}

// An Exchange is a request of a Redfish client and how it ended.
type Exchange struct {
	Request string // method and path
	Took    time.Duration
	Answer  string // status of HTTP and what was asked for; empty if there was no answer
	Error   string // empty: it succeeded
}

// maxAnswer is the longest answer that the client reads, in bytes.
const maxAnswer = 1 << 20

// Run asks the service for its root, without a user, and for the system. status is what the
// status script printed, "on" or "off"; "" means that it failed.
func (c Redfish) Run(ctx context.Context, status string) error {
	transport, err := c.transport()
	if err != nil {
		return err
	}
	client := http.Client{
		Timeout:       c.Timeout,
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()

	err = c.exchange(ctx, &client, "/redfish/v1/", false, func(body []byte) (string, error) {
		var root struct {
			RedfishVersion string
			Systems        struct {
				ID string `json:"@odata.id"`
			}
		}
		if err := json.Unmarshal(body, &root); err != nil {
			return "", err
		}
		if want := "/redfish/v1/Systems"; root.Systems.ID != want {
			return "", fmt.Errorf("the service root names %q as its systems, want %q", root.Systems.ID, want)
		}
		return "RedfishVersion " + root.RedfishVersion, nil
	})
	if err != nil {
		return err
	}
	return c.exchange(ctx, &client, "/redfish/v1/Systems/"+c.Name, true, func(body []byte) (string, error) {
		var system struct{ PowerState *string }
		if err := json.Unmarshal(body, &system); err != nil {
			return "", err
		}
		state := "null"
		if system.PowerState != nil {
			state = *system.PowerState
		}
		if want := powerState(status); state != want {
			return "PowerState " + state, fmt.Errorf("PowerState is %s, want %s: the status script printed %q", state, want, status)
		}
		return "PowerState " + state, nil
	})
}

// transport connects as a client does or, without an address, as the gateway does.
func (c Redfish) transport() (*http.Transport, error) {
	if !c.Addr.IsValid() {
		return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", c.Socket)
		}}, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(c.Roots) {
		return nil, errors.New("the certificate of the BMC is not PEM")
	}
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: c.ServerName, Time: c.Now}}, nil
}

// powerState returns the value of PowerState for what the status script printed.
func powerState(status string) string {
	switch status {
	case "on":
		return "On"
	case "off":
		return "Off"
	default:
		return "null"
	}
}

// exchange sends one request, and reports how it ended. read returns what the answer says.
// The error means that the client cannot go on.
func (c Redfish) exchange(ctx context.Context, client *http.Client, path string, login bool, read func(body []byte) (string, error)) error {
	service := "https://" + c.Addr.String()
	if !c.Addr.IsValid() {
		service = "http://" + c.Name
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, service+path, nil)
	if err != nil {
		return err
	}
	if login {
		request.SetBasicAuth(c.User.Name, c.User.Password.Reveal())
	}
	e := Exchange{Request: request.Method + " " + path}
	began := c.Now()
	response, err := client.Do(request)
	if err == nil {
		e.Answer = response.Proto + " " + response.Status
		var body []byte
		body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		response.Body.Close()
		if err == nil {
			err = checkResponse(response)
		}
		var said string
		if err == nil {
			said, err = read(body)
		}
		if said != "" {
			e.Answer += ", " + said
		}
	}
	e.Took = c.Now().Sub(began)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		e.Error = err.Error()
	}
	c.Report(e)
	return nil
}

// checkResponse returns an error if a response is not what a service of Redfish sends.
func checkResponse(r *http.Response) error {
	switch contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); {
	case r.StatusCode != http.StatusOK:
		return fmt.Errorf("it answers %s", r.Status)
	case contentType != "application/json":
		return fmt.Errorf("Content-Type is %q, want \"application/json\"", contentType)
	case r.Header.Get("OData-Version") != "4.0":
		return fmt.Errorf("OData-Version is %q, want \"4.0\"", r.Header.Get("OData-Version"))
	}
	return nil
}
