package lan

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/checksum"
	"github.com/shipmi/shipmi/internal/instance"
	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/test/console"
)

// does lets every script succeed at once.
func (f *fakeScripts) does() {
	f.others = func() machine.Reading { return machine.Reading{Device: provider.DeviceNone} }
}

// FuzzDatagram sends random bytes to a BMC with an open session. Every answer is well-formed,
// no script runs, and the session goes on.
func FuzzDatagram(f *testing.F) {
	for _, text := range []string{pingVector, authCapabilities, cipherSuites} {
		b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		require.NoError(f, err)
		f.Add(b)
	}
	c := console.New(f, 17)
	c.K1, c.K2 = make([]byte, 32), make([]byte, 32)
	for _, b := range [][]byte{c.Open(), c.RAKP1(), c.RAKP3(), c.Packet(console.Request(chassis, control, 1, on))} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > maxDatagram {
			return
		}
		in(t, func(r *rig) {
			r.scripts.does()
			c := r.login()
			for _, answer := range r.send(b) {
				require.Contains(t, [][]byte{{6, 0, 0xFF, 6}, {6, 0, 0xFF, 7}}, answer[:4])
				require.Less(t, 2*len(answer), 5*len(b), "it is worth no forged sender's while")
			}
			require.Empty(t, r.scripts.started())
			require.Contains(t, r.ask(c, app, getDeviceID, 2), "00 20 01")
		})
	})
}

// endsSessions are the commands that can end another session: resets, Close Session, and
// changes of users.
var endsSessions = []byte{0x02, 0x03, 0x3C, 0x43, 0x45, 0x47}

// memoryUsers keeps the users in memory.
type memoryUsers struct {
	*rig
	now instance.Credentials
}

func (u *memoryUsers) Credentials() instance.Credentials { return u.now }

func (u *memoryUsers) Change(change func(*instance.Credentials) error) (apply func() []uint32, err error) {
	changed := u.now
	if err := change(&changed); err != nil {
		return nil, err
	}
	return func() (ends []uint32) {
		u.now = changed
		for _, s := range u.sessions.SetUsers(nil, u.clock()) {
			ends = append(ends, s.ID())
		}
		return ends
	}, nil
}

// FuzzRequest puts random bytes into an authentic packet of one session. There is at most one
// answer, and another session goes on.
func FuzzRequest(f *testing.F) {
	for _, c := range ipmi.Commands {
		f.Add([]byte(console.Request(byte(c.NetFn), c.Cmd, 1, make([]byte, c.MinLen)...)), byte(4))
	}
	f.Add([]byte(console.Request(chassis, setBootOptions, 1, 5, 0xE0, 4, 0, 0, 0)), byte(3))
	f.Add([]byte(console.Request(app, 0x3C, 1, 1, 2, 3, 4)), byte(2))
	f.Add([]byte{}, byte(4))
	f.Fuzz(func(t *testing.T, plain []byte, level byte) {
		if len(plain) > maxDatagram/2 {
			return
		}
		in(t, func(r *rig) {
			r.scripts.does()
			r.ipmi.Users = &memoryUsers{rig: r}
			c, other := console.New(t, 3), r.login()
			c.Login(r.one)
			r.ask(c, app, setPrivilege, 0, level)
			before := c.Sequence
			for i, answer := range r.send(c.Packet(string(plain))) {
				require.Zero(t, i)
				sequence, _ := c.Read(answer)
				require.Equal(t, before+1, sequence)
			}
			require.Len(t, r.send(unhex(t, pingVector)), 1)
			if len(plain) < 6 || plain[1] != app<<2 || !slices.Contains(endsSessions, plain[5]) {
				require.Contains(t, r.ask(other, app, getDeviceID, 2), "00 20 01")
			}
		})
	})
}

// summed adds a checksum to every line, except those that the wrapper script writes.
func summed(text string) []byte {
	var all []byte
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); !strings.HasPrefix(line, "action:") {
			line = checksum.Seal([]byte(line))
		}
		all = append(append(all, line...), '\n')
	}
	return all
}

// FuzzActionFile puts random text where an earlier process left an action file. The next
// process starts, runs no script again, and does what a client asks.
func FuzzActionFile(f *testing.F) {
	const began = `{"boot":"first","began":1,"verb":"power on","session":{"ID":1,"User":"admin","Privilege":4},` +
		`"request":{"RsAddr":32,"NetFn":0,"RqAddr":129,"RqSeq":1,"Cmd":2,"Data":"AQ=="}}` + "\n"
	f.Add(began)
	f.Add(began + `asker: {"session":1,"rqseqs":2,"sequence":7}` + "\naction: pid 4711\naction: exit 0\n" + `answer: {"code":0,"at":2}` + "\n")
	f.Add(strings.Replace(began, `"Cmd":2,"Data":"AQ=="`, `"Cmd":8,"Data":"BQ=="`, 1) + "asker: {}\nanswer: 1\n")
	f.Add(strings.Replace(began, `"Cmd":2,"Data":"AQ=="`, `"Cmd":4,"Data":"Dw=="`, 1))
	f.Add(strings.Replace(began, `"Cmd":2,"Data":"AQ=="`, `"Cmd":0,"Data":""`, 1))
	f.Add(strings.Replace(began, "first", "second", 1))
	f.Add(strings.Replace(began, `"verb":"power on",`, "", 1))
	f.Add(began[:40])
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		in(t, func(r *rig) {
			r.scripts.does()
			r.stop()
			dir := r.actions.Dir
			require.NoError(t, os.MkdirAll(dir, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "action.1"), summed(text), 0o600))
			r.start()
			time.Sleep(time.Second)
			synctest.Wait()
			require.Empty(t, r.scripts.started())
			require.Equal(t, "00", r.ask(r.login(), chassis, control, 1, reset))
			require.Equal(t, []provider.Verb{provider.Reset}, r.scripts.started())
		})
	})
}
