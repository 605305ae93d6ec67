package lan

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// harmless sends datagrams that must stay without an answer while c has a session. No
// script runs, and the session goes on.
func (r *rig) harmless(c *console.Console, datagrams ...[]byte) {
	r.t.Helper()
	r.conn.peer.Store(&elsewhere)
	for _, b := range datagrams {
		require.Empty(r.t, r.send(b), "%x", b)
	}
	r.conn.peer.Store(nil)
	require.Empty(r.t, r.scripts.started())
	require.Contains(r.t, r.ask(c, app, getDeviceID, 9), "00 20 01")
	require.Equal(r.t, here, r.conn.to.Load())
}

// v15 is a packet of an IPMI 1.5 session with an authentication type and, but for type 0, a code.
func v15(authType byte, sequence, session uint32, plain string) []byte {
	b := binary.LittleEndian.AppendUint32([]byte{6, 0, 0xFF, 7, authType}, sequence)
	b = binary.LittleEndian.AppendUint32(b, session)
	if authType != 0 {
		b = append(b, make([]byte, 16)...)
	}
	return append(append(b, byte(len(plain))), plain...)
}

// Crafted packets that got past the authentication of OpenBMC's netipmid (CVE-2021-39296).
// There is no public list. The cases are what its code has checked since then, and their
// neighbors. In each case the attacker has read the keys of the session, which is more than
// an attacker can know, and leaves out only the proof that a packet must carry.
func TestCVE_2021_39296(t *testing.T) {
	powerOff := console.Request(chassis, control, 1, off)
	for name, attack := range map[string]func(c *console.Console) []byte{
		"neither authenticated nor encrypted": func(c *console.Console) []byte {
			return console.Datagram(0x00, c.SIDc, c.Sequence+1, []byte(powerOff))
		},
		"encrypted, not authenticated": func(c *console.Console) []byte {
			whole := c.Packet(powerOff)
			b := whole[:16+32]
			b[5] = 0x80
			return b
		},
		"authenticated, not encrypted": func(c *console.Console) []byte {
			return c.Sign(console.Datagram(0x40, c.SIDc, c.Sequence+1, []byte(powerOff)))
		},
		"an authentication code of zeros": func(c *console.Console) []byte {
			b := c.Packet(powerOff)
			return append(b[:len(b)-16], make([]byte, 16)...)
		},
		"no authentication code": func(c *console.Console) []byte {
			b := c.Packet(powerOff)
			return b[:len(b)-16]
		},
		"the first byte of the code": func(c *console.Console) []byte {
			b := c.Packet(powerOff)
			return b[:len(b)-15]
		},
		"an authentication code of suite 3": func(c *console.Console) []byte {
			b := c.Packet(powerOff)
			return b[:len(b)-4]
		},
		"signed with an empty key": func(c *console.Console) []byte {
			thief := *c
			thief.K1 = nil
			return thief.Packet(powerOff)
		},
		"signed with the hash of no password": func(c *console.Console) []byte {
			thief := *c
			thief.SIK = c.HMAC(nil, c.RM, c.RC, c.Role, byte(len(c.Name)), c.Name)
			thief.K1 = c.HMAC(thief.SIK, [20]byte{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1})
			return thief.Packet(powerOff)
		},
		"an IPMI 1.5 packet in the session": func(c *console.Console) []byte { return v15(0, c.Sequence+1, c.SIDc, powerOff) },
		"an IPMI 1.5 packet without one":    func(*console.Console) []byte { return v15(0, 0, 0, powerOff) },
		"the same in RMCP+":                 func(*console.Console) []byte { return console.Datagram(0, 0, 0, []byte(powerOff)) },
		"MD2":                               func(c *console.Console) []byte { return v15(1, c.Sequence+1, c.SIDc, powerOff) },
		"MD5":                               func(c *console.Console) []byte { return v15(2, c.Sequence+1, c.SIDc, powerOff) },
		"a straight password":               func(c *console.Console) []byte { return v15(4, c.Sequence+1, c.SIDc, powerOff) },
		"OEM authentication":                func(c *console.Console) []byte { return v15(5, c.Sequence+1, c.SIDc, powerOff) },
		"another payload type": func(c *console.Console) []byte {
			return c.Sign(console.Datagram(0xC1, c.SIDc, c.Sequence+1, make([]byte, 32)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(r *rig) {
				r.scripts.does()
				c := r.login()
				r.harmless(c, attack(c))
			})
		})
	}
}

// Before the key exchange ends, no packet opens, whatever keys an attacker guesses.
func TestPacketsBeforeTheEndOfTheKeyExchange(t *testing.T) {
	steps := []func(c *console.Console, r *rig){
		func(c *console.Console, r *rig) { c.ReadOpen(r.one(c.Open())) },
		func(c *console.Console, r *rig) { c.LearnRAKP2(r.one(c.RAKP1())) },
	}
	for n := 1; n <= len(steps); n++ {
		for name, password := range map[string]string{"admin": password, "nobody": "", "": ""} {
			in(t, func(r *rig) {
				r.scripts.does()
				c, thief := r.login(), console.New(t, 17)
				thief.Name, thief.Password = name, password
				thief.K1, thief.K2 = make([]byte, 32), make([]byte, 32)
				for _, step := range steps[:n] {
					step(thief, r)
				}
				r.harmless(c, thief.Packet(console.Request(chassis, control, 1, off)))
			})
		}
	}
}

// Login with an empty user name fails, with every password, role and way of lookup.
func TestNullUser(t *testing.T) {
	in(t, func(r *rig) {
		c := r.login()
		for _, role := range []byte{0x01, 0x02, 0x03, 0x04, 0x05, 0x11, 0x12, 0x13, 0x14, 0x15} {
			for _, name := range []string{"", "\x00", "admin\x00"} {
				for _, guess := range []string{"", "\x00", password} {
					thief := console.New(t, 3)
					thief.Role, thief.Name, thief.Password = role, name, guess
					thief.ReadOpen(r.one(thief.Open()))
					thief.LearnRAKP2(r.one(thief.RAKP1()))
					refused := r.one(thief.RAKP3())
					require.Equal(t, byte(rmcp.StatusInvalidIntegrityCheck), refused[17], "%q %q", name, guess)
					require.Len(t, refused, 16+8)
					time.Sleep(time.Minute / 2) // guesses are rationed
					require.Contains(t, r.ask(c, app, getDeviceID, 1), "00 20 01")
				}
			}
		}
	})
}

// A session can neither run a command above its privilege level nor get a higher level than
// it was opened with. Every command at every lower level is refused and changes nothing.
func TestDowngradeOfPrivilegeChecks(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.does()
		sessions := map[rmcp.Privilege]*console.Console{}
		for limit := rmcp.Callback; limit <= rmcp.Administrator; limit++ {
			c := console.New(t, 17)
			c.Role = 0x10 | byte(limit)
			c.Login(r.one)
			sessions[limit] = c
			for level := limit + 1; level <= rmcp.OEM && limit >= rmcp.User; level++ {
				require.Equal(t, "81", r.ask(c, app, setPrivilege, 1, byte(level)), "%v to %v", limit, level)
			}
			if limit >= rmcp.User {
				require.Equal(t, fmt.Sprintf("00 %02x", byte(limit)), r.ask(c, app, setPrivilege, 1, byte(limit)))
			}
		}
		before := r.files()
		refused := 0
		for _, command := range ipmi.Commands {
			data := make([]byte, command.MinLen)
			if command.NetFn == rmcp.NetFnGroup {
				data[0] = 0xDC
			}
			for level := rmcp.Callback; level < command.Privilege; level++ {
				require.Equal(t, "d4", r.ask(sessions[level], byte(command.NetFn), command.Cmd, 1, data...), "%s as %v", command.Name, level)
				refused++
			}
		}
		require.Greater(t, refused, 70)
		require.Empty(t, r.scripts.started())
		require.Equal(t, before, r.files())
	})
}

// files returns the content of all files except those of the sessions.
func (r *rig) files() map[string]string {
	all := map[string]string{}
	require.NoError(r.t, filepath.WalkDir(r.dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && entry.Name() != "sessions" {
			text, err := os.ReadFile(path)
			all[path] = string(text)
			return err
		}
		return err
	}))
	return all
}

// An attacker replays every packet of a session from another address: while the session is
// open, in the next process, and after it was closed. Nothing is executed, and only the
// client of the session gets answers.
func TestReplay(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.does()
		var sent [][]byte
		record := func(b []byte) []byte {
			sent = append(sent, b)
			return r.one(b)
		}
		c := console.New(t, 17)
		c.Login(record)
		for _, request := range []string{
			console.Request(app, setPrivilege, 1, 4),
			console.Request(chassis, control, 2, on),
			console.Request(chassis, setBootOptions, 3, 5, 0xE0, 4, 0, 0, 0),
			console.Request(chassis, control, 4, reset),
		} {
			record(c.Packet(request))
		}
		ran, kept := r.scripts.started(), r.files()
		replay := func() {
			t.Helper()
			for _, b := range sent[1:] { // to an Open Session Request anybody has an answer
				r.conn.peer.Store(&elsewhere)
				r.conn.to.Store(netip.AddrPort{})
				r.send(b)
				require.NotEqual(t, elsewhere, r.conn.to.Load())
			}
			r.conn.peer.Store(nil)
			require.Equal(t, ran, r.scripts.started())
			require.Equal(t, kept, r.files())
		}
		replay()
		require.Contains(t, r.ask(c, app, getDeviceID, 5), "00 20 01")
		r.stop() // which notes that the client has moved on from its actions
		r.start()
		kept = r.files()
		replay()
		require.Contains(t, r.ask(c, app, getDeviceID, 6), "00 20 01")
		record(c.Packet(console.Request(app, 0x3C, 7, id(c)...)))
		replay()
		time.Sleep(time.Minute)
		synctest.Wait()
		replay()
	})
}

func id(c *console.Console) []byte { return binary.LittleEndian.AppendUint32(nil, c.SIDc) }

// An attacker with any password can neither take over a session with a stray RAKP message
// nor redirect its answers.
func TestTakeover(t *testing.T) {
	in(t, func(r *rig) {
		r.scripts.does()
		c := r.login()
		thief := *c
		_, _ = rand.Read(thief.RM[:])
		r.harmless(c, thief.RAKP1(), thief.RAKP3(), c.RAKP1(), c.RAKP3())
		thief.Role = 0x12
		r.harmless(c, thief.RAKP1(), thief.RAKP3())
	})
}

// Secrets never appear in the log, at any level, whatever fails.
func TestSecretsInLogs(t *testing.T) {
	in(t, func(r *rig) {
		var log strings.Builder
		r.logTo(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		r.ipmi.Users = &memoryUsers{rig: r}
		c := r.login()
		const secret = "hush-hush-hush16"
		set := append([]byte{3, 2}, secret...)
		require.NotEqual(t, "00", r.ask(c, app, 0x47, 1, set...), "there is no such user")
		r.ask(c, app, setPrivilege, 2, 3)
		require.Equal(t, "d4", r.ask(c, app, 0x47, 3, set...))
		r.send(c.Seal(c.Sequence, []byte(secret), 1)) // a duplicate
		r.send(c.Packet(secret))                      // no request
		wrong := console.New(t, 17)
		wrong.Password = secret
		wrong.ReadOpen(r.one(wrong.Open()))
		wrong.LearnRAKP2(r.one(wrong.RAKP1()))
		code := wrong.RAKP3()
		r.one(code)
		r.scripts.script[provider.On] = func() machine.Reading { return machine.Reading{Err: provider.ErrBusy} }
		r.ask(c, chassis, control, 4, on)
		r.stop()

		require.Contains(t, log.String(), "level=DEBUG")
		require.Contains(t, log.String(), "wrong password")
		for _, bytes := range [][]byte{[]byte(password), []byte(secret), c.SIK, c.K1, c.K2, code[24:], wrong.SIK} {
			for _, form := range []string{string(bytes), fmt.Sprintf("%x", bytes), fmt.Sprint(bytes), fmt.Sprintf("%q", bytes)} {
				require.NotContains(t, log.String(), strings.Trim(form, `[]"`)[:8])
			}
		}
	})
}
