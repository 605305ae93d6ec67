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

// twoSessions opens a session of each user, in the first two slots, and ends the process.
func twoSessions(t *testing.T) (r *rig, admin, oper *console.Console) {
	r, admin = inSession(t, 17)
	oper = console.New(t, 3)
	oper.Name, oper.Password, oper.Role = "oper", "battery staple", 0x13
	oper.Login(r.from(oper))
	require.NoError(t, r.Close())
	return r, admin, oper
}

// survivors starts a process with the content of the file, and reports whether it has the sessions.
func survivors(r *rig, admin, oper *console.Console) (adminLives, operLives bool) {
	r.t.Helper()
	r.log.Reset()
	table, err := NewTable(r.dir, r.config, r.now)
	require.NoError(r.t, err)
	defer table.Close()
	return table.Find(admin.SIDc, r.now) != nil, table.Find(oper.SIDc, r.now) != nil
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
		"no user is left":   {func(c *Config) { c.Users = nil }, false, false},
		"another order":     {func(c *Config) { c.Users = []User{c.Users[1], c.Users[0]} }, true, true},
		"another user": {func(c *Config) {
			c.Users = append(c.Users, User{ID: 4, Name: "x", Password: func() []byte { return nil }})
		}, true, true},
		"Kg":                  {func(c *Config) { c.Kg = func() []byte { return []byte("secret") } }, false, false},
		"passwords exchanged": {func(c *Config) { c.Users[0].Password, c.Users[1].Password = c.Users[1].Password, c.Users[0].Password }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, admin, oper := twoSessions(t)
			before := r.config
			before.Users = append([]User(nil), r.config.Users...)
			tt.change(&r.config)
			adminLives, operLives := survivors(r, admin, oper)
			require.Equal(t, tt.admin, adminLives)
			require.Equal(t, tt.oper, operLives)
			if !tt.admin || !tt.oper {
				require.Contains(t, r.log.String(), "the user has changed")
			}

			// A dropped session does not come back when the change is undone.
			r.config = before
			adminLives, operLives = survivors(r, admin, oper)
			require.Equal(t, tt.admin, adminLives)
			require.Equal(t, tt.oper, operLives)
		})
	}
}

func TestTruncatedFile(t *testing.T) {
	r, admin, oper := twoSessions(t)
	whole := r.read()
	require.Len(t, whole, 3*recordLen)
	for n := range whole {
		// The missing bytes read as zeros, and a checksum may end in zeros.
		intact := func(end int) bool { return len(bytes.Trim(whole[min(n, end):end], "\x00")) == 0 }
		r.write(whole[:n])
		adminLives, operLives := survivors(r, admin, oper)
		require.Equal(t, n > recordLen && intact(2*recordLen), adminLives, "%d bytes", n)
		require.Equal(t, n > 2*recordLen && intact(3*recordLen), operLives, "%d bytes", n)
		if rest := n % recordLen; rest != 0 && !intact(n-rest+recordLen) {
			require.Contains(t, r.log.String(), "dropped", "%d bytes", n)
		}
	}
}

// A flipped bit in a record drops only that session. In the magic or the key it drops both sessions. In the number of the
// record that is being written, it may replace one session by the one that was written last.
func TestEveryBitFlipped(t *testing.T) {
	r, admin, oper := twoSessions(t)
	whole := r.read()
	for bit := range len(whole) * 8 {
		damaged := bytes.Clone(whole)
		damaged[bit/8] ^= 1 << (bit % 8)
		r.write(damaged)
		adminLives, operLives := survivors(r, admin, oper)

		record := bit / 8 / recordLen
		unused := bit/8 >= len(magic)+keyLen
		if bit/8 >= pendingAt && bit/8 < spareAt {
			require.True(t, operLives, "bit %d", bit)
			continue
		}
		require.Equal(t, record == 2 || record == 0 && unused, adminLives, "bit %d", bit)
		require.Equal(t, record == 1 || record == 0 && unused, operLives, "bit %d", bit)
		if !adminLives || !operLives {
			require.Contains(t, r.log.String(), "dropped", "bit %d", bit)
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
			r := newRig(t)
			require.NoError(t, r.Close())
			r.write(content)
			r.start()
			require.Equal(t, len(content) > 0, bytes.Contains(r.log.Bytes(), []byte("dropped")), r.log)
			c := console.New(t, 17)
			c.Login(r.from(c))
			r.restart()
			r.requireEcho(c, "a new one")
		})
	}
}

// The time counts from the boot, so a record that was written before the last boot has a time in the future.
func TestRecordsOfAnotherBoot(t *testing.T) {
	for _, state := range []string{"keyed", "active", "confirmed", "closing"} {
		t.Run(state, func(t *testing.T) {
			r, c := bring(t, state)
			then := r.now
			r.now = time.Minute
			r.restart()
			require.Contains(t, r.log.String(), "from before the last boot")
			r.now = then
			r.restart()
			require.Nil(t, r.send(c, c.Packet("x")), "it does not come back when the clock reaches its time")
			require.Nil(t, r.send(c, c.RAKP1()))
		})
	}
}

// The time of the latest packet is checked, too.
func TestPacketOfAnotherBoot(t *testing.T) {
	r, c := inSession(t, 17)
	r.now += 30 * time.Second
	r.requireEcho(c, "hello")
	r.now -= time.Second
	r.restart()
	require.Nil(t, r.send(c, c.Packet("x")))
}

// A record decodes only if all its fields are valid, even if the checksum is right. The session encodes to the same record.
func FuzzRecord(f *testing.F) {
	r, c := inSession(f, 17)
	withKeys := *r.Find(c.SIDc, r.now)
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
		rec := record(b)
		binary.LittleEndian.PutUint32(rec[recordLen-4:], crc32.ChecksumIEEE(rec[:recordLen-4]))
		s, err := r.decode(0, &rec, r.now)
		if err != nil {
			return
		}
		again, err := r.decode(0, s.encode(new(record)), r.now)
		require.NoError(t, err)
		require.Equal(t, s.encode(new(record)), again.encode(new(record)))
		require.Contains(t, []state{keyed, active, closing}, s.state)
		require.Equal(t, s.halfOpen(), s.cipher == nil)
		require.Equal(t, s.halfOpen(), s.sik == nil)
	})
}

// The BMC starts with any content of the file, and a client can log in.
func FuzzFile(f *testing.F) {
	r, _ := bring(f, "confirmed")
	whole := r.read()
	f.Add(whole)
	f.Add(whole[:len(whole)-recordLen/2])
	f.Add(append(bytes.Clone(whole), whole...))
	f.Add(bytes.Replace(whole, []byte(magic), []byte("shipmi sessions 0\n"), 1))
	f.Add([]byte(magic))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, c := newRig(t), console.New(t, 17)
		require.NoError(t, r.Close())
		r.write(content)
		r.start()
		c.Login(r.from(c))
		r.requireEcho(c, "hello")
		r.restart()
		r.requireEcho(c, "still there")
	})
}

func TestSecondProcess(t *testing.T) {
	r, c := inSession(t, 17)
	before := r.read()
	_, err := NewTable(r.dir, r.config, r.now)
	require.ErrorIs(t, err, ErrLocked)
	require.EqualError(t, err, "lock "+r.path()+": another process uses it")
	require.Equal(t, before, r.read())
	r.requireEcho(c, "still mine")
}

func TestFileIsPrivate(t *testing.T) {
	r := newRig(t)
	info, err := os.Stat(r.path())
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())

	require.NoError(t, r.Close())
	require.NoError(t, os.Rename(r.path(), r.path()+".elsewhere"))
	require.NoError(t, os.Symlink(r.path()+".elsewhere", r.path()))
	_, err = NewTable(r.dir, r.config, r.now)
	require.ErrorContains(t, err, "too many levels of symbolic links")
}
