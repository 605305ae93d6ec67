package https

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/redfish"
)

// Requests that differ in anything that matters do not join.
func TestKeyOf(t *testing.T) {
	request := func(change func(*redfish.Request)) uint64 {
		r := &redfish.Request{
			Method: "PATCH", Path: "/redfish/v1/Systems/a", Body: []byte("{}"), User: &redfish.User{Name: "admin"},
			Header: redfish.RequestHeader{ContentType: "application/json"},
		}
		change(r)
		return keyOf(r)
	}
	same := request(func(*redfish.Request) {})
	require.Equal(t, same, request(func(r *redfish.Request) { r.User.Session = "a session" }))
	for name, change := range map[string]func(*redfish.Request){
		"user":          func(r *redfish.Request) { r.User.Name = "bob" },
		"method":        func(r *redfish.Request) { r.Method = "POST" },
		"path":          func(r *redfish.Request) { r.Path += "/" },
		"body":          func(r *redfish.Request) { r.Body = []byte("{ }") },
		"If-Match":      func(r *redfish.Request) { r.Header.IfMatch = "*" },
		"Content-Type":  func(r *redfish.Request) { r.Header.ContentType = "text/xml" },
		"moved borders": func(r *redfish.Request) { r.Path, r.Body = r.Path+"{}", nil },
	} {
		require.NotEqual(t, same, request(change), name)
	}
}
