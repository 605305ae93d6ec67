package session

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// twoSessions are one of each user, in the first two slots.
func twoSessions(t *testing.T) (m *machine, admin, oper *console.Console) {
	m, admin = inSession(t, 17)
	oper = console.New(t, 3)
	oper.Name, oper.Password, oper.Role = "oper", "battery staple", 0x13
	oper.Login(m.from(oper))
	require.NoError(t, m.Close())
	return m, admin, oper
}

// survivors starts a process with what is in the file, and tells whose sessions are there.
func survivors(m *machine, admin, oper *console.Console) (adminLives, operLives bool) {
	m.t.Helper()
	m.log.Reset()
	table, err := NewTable(m.dir, m.config, m.now)
	require.NoError(m.t, err)
	defer table.Close()
	return table.Find(admin.SIDc, m.now) != nil, table.Find(oper.SIDc, m.now) != nil
}

func TestCredentialChanges(t *testing.T) {
	for name, tt := range map[string]struct {
		change      func(c *Config)
		admin, oper bool
	}{
		"none":              {func(*Config) {}, true, true},
		"password of admin": {func(c *Config) { c.Users[0].Password = func() []byte { return []byte("new") } }, false, true},
		"password of oper":  {func(c *Config) { c.Users[1].Password = func() []byte { return []byte("new") } }, true, false},
		"limit of admin":    {func(c *Config) { c.Users[0].Limit = rmcp.Operator }, false, true},
		"limit of oper":     {func(c *Config) { c.Users[1].Limit = rmcp.Administrator }, true, false},
		"name of admin":     {func(c *Config) { c.Users[0].Name = "root" }, false, true},
		"admin is gone":     {func(c *Config) { c.Users = c.Users[1:] }, false, true},
		"nobody is left":    {func(c *Config) { c.Users = nil }, false, false},
		"another order":     {func(c *Config) { c.Users = []User{c.Users[1], c.Users[0]} }, true, true},
		"another user": {func(c *Config) {
			c.Users = append(c.Users, User{ID: 4, Name: "x", Password: func() []byte { return nil }})
		}, true, true},
		"Kg":                  {func(c *Config) { c.Kg = func() []byte { return []byte("secret") } }, false, false},
		"passwords exchanged": {func(c *Config) { c.Users[0].Password, c.Users[1].Password = c.Users[1].Password, c.Users[0].Password }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			m, admin, oper := twoSessions(t)
			before := m.config
			before.Users = append([]User(nil), m.config.Users...)
			tt.change(&m.config)
			adminLives, operLives := survivors(m, admin, oper)
			require.Equal(t, tt.admin, adminLives)
			require.Equal(t, tt.oper, operLives)
			if !tt.admin || !tt.oper {
				require.Contains(t, m.log.String(), "the user has changed")
			}

			// Ended is ended, also when the change is undone.
			m.config = before
			adminLives, operLives = survivors(m, admin, oper)
			require.Equal(t, tt.admin, adminLives)
			require.Equal(t, tt.oper, operLives)
		})
	}
}

func TestTruncatedFile(t *testing.T) {
	m, admin, oper := twoSessions(t)
	whole := m.read()
	require.Len(t, whole, 3*recordLen)
	for n := range whole {
		// What is cut off reads as zeros; a checksum can end in one.
		intact := func(end int) bool { return len(bytes.Trim(whole[min(n, end):end], "\x00")) == 0 }
		m.write(whole[:n])
		adminLives, operLives := survivors(m, admin, oper)
		require.Equal(t, n > recordLen && intact(2*recordLen), adminLives, "%d bytes", n)
		require.Equal(t, n > 2*recordLen && intact(3*recordLen), operLives, "%d bytes", n)
		if rest := n % recordLen; rest != 0 && !intact(n-rest+recordLen) {
			require.Contains(t, m.log.String(), "dropped", "%d bytes", n)
		}
	}
}

// A bit that flips in a record ends that session alone. In the header it ends
// both, unless nothing is there.
func TestEveryBitFlipped(t *testing.T) {
	m, admin, oper := twoSessions(t)
	whole := m.read()
	for bit := range len(whole) * 8 {
		damaged := bytes.Clone(whole)
		damaged[bit/8] ^= 1 << (bit % 8)
		m.write(damaged)
		adminLives, operLives := survivors(m, admin, oper)

		record := bit / 8 / recordLen
		unused := bit/8 >= len(magic)+keyLen
		require.Equal(t, record == 2 || record == 0 && unused, adminLives, "bit %d", bit)
		require.Equal(t, record == 1 || record == 0 && unused, operLives, "bit %d", bit)
		if !adminLives || !operLives {
			require.Contains(t, m.log.String(), "dropped", "bit %d", bit)
		}
	}
}

func TestForeignFiles(t *testing.T) {
	for name, content := range map[string][]byte{
		"empty":           {},
		"one byte":        {0},
		"another version": append([]byte("shipmi sessions 2\n"), make([]byte, 3*recordLen)...),
		"text":            bytes.Repeat([]byte("not a session file\n"), 100),
		"zeros":           make([]byte, 100*recordLen),
		"too many records": append(append([]byte(magic), make([]byte, recordLen-len(magic))...),
			bytes.Repeat([]byte{0xFF}, 200*recordLen)...),
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			require.NoError(t, m.Close())
			m.write(content)
			m.start()
			require.Equal(t, len(content) > 0, bytes.Contains(m.log.Bytes(), []byte("dropped")), m.log)
			c := console.New(t, 17)
			c.Login(m.from(c))
			m.restart()
			m.requireEcho(c, "a new one")
		})
	}
}

// A record from before the last boot is one from the future: the clock counts
// from the boot.
func TestRecordsOfAnotherBoot(t *testing.T) {
	for _, state := range []string{"keyed", "active", "confirmed", "closing"} {
		t.Run(state, func(t *testing.T) {
			m, c := bring(t, state)
			then := m.now
			m.now = time.Minute
			m.restart()
			require.Contains(t, m.log.String(), "from before the last boot")
			m.now = then
			m.restart()
			require.Nil(t, m.send(c, c.Packet("x")), "it does not come back when its time has come")
			require.Nil(t, m.send(c, c.RAKP1()))
		})
	}
}

// The last packet, too, can be from before.
func TestPacketOfAnotherBoot(t *testing.T) {
	m, c := inSession(t, 17)
	m.now += 30 * time.Second
	m.requireEcho(c, "hello")
	m.now -= time.Second
	m.restart()
	require.Nil(t, m.send(c, c.Packet("x")))
}

// Nothing but a proper record becomes a session, even if the checksum fits, and
// it becomes the one that is in it.
func FuzzRecord(f *testing.F) {
	m, c := inSession(f, 17)
	withKeys := *m.Find(c.SIDc, m.now)
	without := withKeys
	without.sik = nil
	for state := range closing + 2 {
		withKeys.state, without.state = state, state
		for _, s := range []Session{withKeys, without} {
			f.Add(s.encode(new(record))[:])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != recordLen {
			return
		}
		r := record(b)
		binary.LittleEndian.PutUint32(r[recordLen-4:], crc32.ChecksumIEEE(r[:recordLen-4]))
		s, err := m.decode(0, &r, m.now)
		if err != nil {
			return
		}
		again, err := m.decode(0, s.encode(new(record)), m.now)
		require.NoError(t, err)
		require.Equal(t, s.encode(new(record)), again.encode(new(record)))
		require.Contains(t, []state{keyed, active, closing}, s.state)
		require.Equal(t, s.halfOpen(), s.cipher == nil)
		require.Equal(t, s.halfOpen(), s.sik == nil)
	})
}

// Whatever is in the file, the BMC starts, and somebody can log in.
func FuzzFile(f *testing.F) {
	m, _ := bring(f, "confirmed")
	whole := m.read()
	f.Add(whole)
	f.Add(whole[:len(whole)-recordLen/2])
	f.Add(append(bytes.Clone(whole), whole...))
	f.Add(bytes.Replace(whole, []byte(magic), []byte("shipmi sessions 0\n"), 1))
	f.Add([]byte(magic))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, c := newMachine(t), console.New(t, 17)
		require.NoError(t, m.Close())
		m.write(content)
		m.start()
		c.Login(m.from(c))
		m.requireEcho(c, "hello")
		m.restart()
		m.requireEcho(c, "still there")
	})
}

func TestSecondProcess(t *testing.T) {
	m, c := inSession(t, 17)
	before := m.read()
	_, err := NewTable(m.dir, m.config, m.now)
	require.ErrorIs(t, err, ErrLocked)
	require.EqualError(t, err, "lock "+m.path()+": another process uses it")
	require.Equal(t, before, m.read())
	m.requireEcho(c, "still mine")
}

func TestFileIsPrivate(t *testing.T) {
	m := newMachine(t)
	info, err := os.Stat(m.path())
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())

	require.NoError(t, m.Close())
	require.NoError(t, os.Rename(m.path(), m.path()+".elsewhere"))
	require.NoError(t, os.Symlink(m.path()+".elsewhere", m.path()))
	_, err = NewTable(m.dir, m.config, m.now)
	require.ErrorContains(t, err, "too many levels of symbolic links")
}
