package https

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/shipmi/shipmi/internal/checksum"
	"github.com/shipmi/shipmi/internal/event"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/redfish"
)

const (
	tokensFile = "redfish-sessions"
	maxTokens  = 16
	// usedPause is how often the file is written for a session that is only used.
	usedPause = time.Minute
	// timeoutNote is the note of the state that holds how long a session lasts without a
	// request, in seconds.
	timeoutNote = "redfish session timeout"
)

// A token is a session: a client that sends it need not log in.
type token struct {
	ID      string         `json:"id"`
	Hash    string         `json:"hash"` // SHA-256 of the token, in hex digits
	UserID  byte           `json:"user_id"`
	User    string         `json:"user"`
	Version uint64         `json:"version"` // of the user, see versionOf
	Peer    netip.AddrPort `json:"peer"`    // that logged in
	Created time.Time      `json:"created"`
	Used    time.Duration  `json:"used"` // since the boot of the host
}

// tokens are the sessions. They implement [redfish.Sessions]. They are kept in a file that
// ends with the socket of the BMC, one JSON object with a checksum in each line.
type tokens struct {
	server *Server
	path   string
	all    []*token // the one that logged in first in front
}

// loadTokens reads the sessions that an earlier process left. A damaged one is dropped.
func loadTokens(s *Server) (*tokens, error) {
	t := &tokens{server: s, path: filepath.Join(s.Dir, tokensFile)}
	text, err := os.ReadFile(t.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("sessions of Redfish: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		one := new(token)
		content, err := checksum.Check(strings.TrimSuffix(line, "\n"))
		if err == nil {
			err = json.Unmarshal(content, one)
		}
		if err != nil {
			s.Log.Warn("Redfish session dropped", "err", err)
			continue
		}
		t.all = append(t.all, one)
	}
	return t, nil
}

func (t *tokens) save() error {
	var text bytes.Buffer
	for _, one := range t.all {
		line, err := json.Marshal(one)
		if err != nil {
			panic("internal error: " + err.Error()) // every token can be written as JSON
		}
		fmt.Fprintln(&text, checksum.Seal(line))
	}
	return renameio.WriteFile(t.path, text.Bytes(), 0o600)
}

// versionOf changes when a user may do something else, or logs in with another password.
func versionOf(u instance.User) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %q %q %d %t", u.ID, u.Name, u.Password.Reveal(), u.Privilege, u.CanLogIn())
	return h.Sum64() & (1<<20 - 1) // enough to see a change, and of no use to guess a password
}

// expire drops the sessions that have ended: by time, or because their user has changed.
func (t *tokens) expire() {
	now, timeout := t.server.BMC.Uptime(), t.Timeout()
	credentials := t.server.Credentials()
	t.all = slices.DeleteFunc(t.all, func(one *token) bool {
		u, known := credentials.User(one.UserID)
		changed := !known || !u.CanLogIn() || versionOf(u) != one.Version
		if changed || now-one.Used >= timeout {
			t.server.Log.Info("Redfish session ended", "session", one.ID, "user", one.User, "changed", changed,
				event.Event{Kind: event.Logout, Via: via}.Attr())
			return true
		}
		return false
	})
}

// user returns the user who has sent a token; nil: there is no such session.
func (t *tokens) user(text string) *redfish.User {
	t.expire()
	hash := []byte(hashOf(text))
	for _, one := range t.all {
		if subtle.ConstantTimeCompare([]byte(one.Hash), hash) == 0 {
			continue
		}
		u, _ := t.server.Credentials().User(one.UserID)
		if now := t.server.BMC.Uptime(); now-one.Used >= usedPause {
			one.Used = now
			if err := t.save(); err != nil {
				t.server.Log.Warn("use of a Redfish session not kept", "err", err)
			}
		}
		return userOf(u, one.ID)
	}
	return nil
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// open opens a session. If there are too many, the one that was not used for the longest time
// ends: first one of the same user.
func (t *tokens) open(u instance.User, peer netip.AddrPort) (redfish.Session, string, *redfish.Answer) {
	t.expire()
	before := slices.Clone(t.all)
	if len(t.all) >= maxTokens {
		t.evict(u.ID)
	}
	now := t.server.BMC.Now()
	text := rand.Text() + rand.Text()
	one := &token{
		ID: rand.Text()[:12], Hash: hashOf(text), UserID: u.ID, User: u.Name, Version: versionOf(u), Peer: peer,
		Created: now.Clock.UTC().Truncate(time.Second), Used: now.Uptime,
	}
	t.all = append(t.all, one)
	if err := t.save(); err != nil {
		t.server.Log.Error("no Redfish session", "err", err)
		t.all = before
		return redfish.Session{}, "", new(redfish.Respond(machine.Failed))
	}
	return one.session(), text, nil
}

func (t *tokens) evict(user byte) {
	longest := func(a, b *token) int { return int(a.Used - b.Used) }
	mine := slices.DeleteFunc(slices.Clone(t.all), func(one *token) bool { return one.UserID != user })
	if len(mine) == 0 {
		mine = t.all
	}
	t.remove(slices.MinFunc(mine, longest))
}

func (t *tokens) remove(one *token) {
	t.all = slices.DeleteFunc(t.all, func(o *token) bool { return o == one })
}

func (one *token) session() redfish.Session {
	return redfish.Session{ID: one.ID, User: one.User, Peer: one.Peer, Created: one.Created}
}

// List implements [redfish.Sessions].
func (t *tokens) List() []redfish.Session {
	t.expire()
	all := make([]redfish.Session, 0, len(t.all))
	for _, one := range t.all {
		all = append(all, one.session())
	}
	return all
}

// count is how many sessions there are.
func (t *tokens) count() int {
	t.expire()
	return len(t.all)
}

// End implements [redfish.Sessions].
func (t *tokens) End(id string) bool {
	t.expire()
	i := slices.IndexFunc(t.all, func(one *token) bool { return one.ID == id })
	if i < 0 {
		return false
	}
	t.all = slices.Delete(t.all, i, i+1)
	if err := t.save(); err != nil {
		t.server.Log.Error("Redfish session may come back", "err", err)
	}
	return true
}

// Timeout implements [redfish.Sessions].
func (t *tokens) Timeout() time.Duration {
	var seconds int
	note := t.server.Service.Machine.State.Notes[timeoutNote]
	if json.Unmarshal(note, &seconds) != nil {
		return defaultTimeout
	}
	return time.Duration(seconds) * time.Second
}

// SetTimeout implements [redfish.Sessions].
func (t *tokens) SetTimeout(d time.Duration) {
	t.server.Service.Machine.SetNote(timeoutNote, fmt.Appendf(nil, "%d", int(d.Seconds())))
}
