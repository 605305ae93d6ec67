package httpserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/shipmi/shipmi/internal/redfish"
)

// maxBody is how long the body of a request may be, in bytes.
const maxBody = 64 << 10

// Read reads a request. It returns an answer if that is all there is to do.
func Read(w http.ResponseWriter, r *http.Request) (*redfish.Request, *redfish.Answer) {
	asked := &redfish.Request{
		Method: r.Method,
		Path:   r.URL.Path,
		Peer:   Peer(r),
		Local:  Local(r),
		Header: redfish.RequestHeader{
			ODataVersion: r.Header.Get("OData-Version"),
			ContentType:  r.Header.Get("Content-Type"),
			IfMatch:      r.Header.Get("If-Match"),
		},
	}
	for name := range r.URL.Query() {
		asked.Query = append(asked.Query, name)
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return asked, new(redfish.CrossOrigin())
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return asked, new(redfish.TooLarge())
	case err != nil:
		panic(http.ErrAbortHandler)
	}
	asked.Body = body
	return asked, nil
}

// Write writes a response with a complete header. A response that the kernel has taken may still be lost.
func Write(w http.ResponseWriter, r *http.Request, h redfish.AnswerHeader, a redfish.Answer) error {
	header(w.Header(), h)
	var body []byte
	switch content := a.Body.(type) {
	case nil:
	case redfish.Text:
		w.Header().Set("Content-Type", content.Type)
		body = []byte(content.Content)
	default:
		var err error
		if body, err = json.Marshal(content); err != nil {
			panic("internal error: " + err.Error()) // every body can be written as JSON
		}
		w.Header().Set("Content-Type", "application/json")
	}
	if a.Status != http.StatusNoContent {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	}
	w.WriteHeader(a.Status)
	if r.Method != http.MethodHead && a.Status != http.StatusNoContent {
		if _, err := w.Write(body); err != nil {
			return err
		}
	}
	return http.NewResponseController(w).Flush()
}

func header(to http.Header, h redfish.AnswerHeader) {
	to.Set("OData-Version", "4.0")
	to.Set("Cache-Control", "no-store")
	for name, value := range map[string]string{
		"Allow":        strings.Join(h.Allow, ", "),
		"Location":     h.Location,
		"ETag":         h.ETag,
		"X-Auth-Token": h.Token,
	} {
		if value != "" {
			to.Set(name, value)
		}
	}
	if h.RetryAfter > 0 {
		to.Set("Retry-After", fmt.Sprint(h.RetryAfter))
	}
	if h.Schema != "" {
		to.Set("Link", fmt.Sprintf("<%s>; rel=describedby", h.Schema))
	}
	if h.Challenge {
		to.Set("WWW-Authenticate", `Basic realm="ShIPMI", charset="UTF-8"`)
	}
}

// LogRefusal writes why a request was not carried out. Clients probe with requests that change nothing, so only those without
// the right to read are logged.
func LogRefusal(log *slog.Logger, asked *redfish.Request, a redfish.Answer) {
	reads := asked.Reads()
	if a.Status < http.StatusBadRequest || reads && a.Status != http.StatusForbidden {
		return
	}
	fields := []any{
		"method", asked.Method[:min(len(asked.Method), 20)], "path", asked.Path[:min(len(asked.Path), 200)],
		"status", a.Status, "reason", a.Reason(), "peer", asked.Peer,
	}
	if asked.User != nil {
		fields = append(fields, "user", asked.User.Name)
	}
	log.Warn("Redfish request refused", fields...)
}
