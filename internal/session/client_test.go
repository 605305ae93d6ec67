package session

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/rmcp"
	"github.com/shipmi/shipmi/test/console"
)

// A client sends what ipmitool and FreeIPMI have sent, and understands the answers.
func TestClientRepeatsCaptures(t *testing.T) {
	files, err := filepath.Glob("../rmcp/testdata/captures/*-suite*.txt")
	require.NoError(t, err)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			setup, sealed := readCapture(t, file)
			sent := func(i int) []byte { return setup[i].request[16:] }
			answer := func(i int) []byte { return setup[i].answer[16:] }

			login := Login{
				Suite: rmcp.Suite3, Privilege: rmcp.Privilege(sent(1)[24] & 0x0F), User: string(sent(1)[28:]),
				Password: func() []byte { return []byte("password") }, Kg: func() []byte { return nil },
			}
			if strings.Contains(file, "suite17") {
				login.Suite = rmcp.Suite17
			}
			if strings.Contains(file, "-kg") {
				login.Kg = func() []byte { return []byte("secretkg") }
			}
			random := append(bytes.Clone(sent(0)[4:8]), sent(1)[8:24]...)
			c, open, err := login.Open(bytes.NewReader(random))
			require.NoError(t, err)
			open.Tag, open.Privilege = sent(0)[0], rmcp.Privilege(sent(0)[1])
			require.Equal(t, sent(0), open.Append(nil))

			response, err := rmcp.ParseOpenResponse(answer(0))
			require.NoError(t, err)
			c.role = rmcp.Role(sent(1)[24])
			rakp1, err := c.RAKP1(response)
			require.NoError(t, err)
			rakp1.Tag = sent(1)[0]
			require.Equal(t, sent(1), rakp1.Append(nil))

			rakp2, err := rmcp.ParseRAKP2(answer(1))
			require.NoError(t, err)
			rakp3, err := c.RAKP3(rakp2)
			require.NoError(t, err)
			rakp3.Tag = sent(2)[0]
			require.Equal(t, sent(2), rakp3.Append(nil))

			rakp4, err := rmcp.ParseRAKP4(answer(2))
			require.NoError(t, err)
			require.NoError(t, c.Confirm(rakp4))
			require.Equal(t, response.ManagedID, c.ID())

			for _, exchange := range sealed {
				_, p, err := rmcp.ParseHeader(exchange.answer)
				require.NoError(t, err)
				packet, err := rmcp.ParsePacket(p)
				require.NoError(t, err)
				plain, err := c.Receive(packet)
				require.NoError(t, err)
				_, err = rmcp.ParseResponse(plain)
				require.NoError(t, err)
				_, err = c.Receive(packet)
				require.ErrorIs(t, err, ErrDuplicate)
			}
		})
	}
}

// A client goes no further if the BMC refuses it, or does not know the same secrets.
func TestClientRefuses(t *testing.T) {
	eachSuite(t, func(t *testing.T, id byte) {
		for want, change := range map[string]func(*Login){
			"wrong user or password": func(l *Login) { l.Password = func() []byte { return []byte("x") } },
			"wrong Kg":               func(l *Login) { l.Kg = func() []byte { return []byte("x") } },
			"invalid role":           func(l *Login) { l.Privilege = 7 },
			"no cipher suite match":  func(l *Login) { l.Suite.Integrity = 0 },
		} {
			r := newRig(t)
			l := oper(id)
			change(&l)
			_, err := r.open(l)
			require.ErrorIs(t, err, ErrRefused)
			require.ErrorContains(t, err, want)
		}
	})
}

func oper(suite byte) Login {
	s, _ := rmcp.SuiteByID(suite)
	return Login{
		Suite: s, Privilege: rmcp.Operator, User: "oper",
		Password: func() []byte { return []byte("battery staple") }, Kg: func() []byte { return nil },
	}
}

// open has a client go through the key exchange.
func (r *rig) open(l Login) (*Client, error) {
	r.t.Helper()
	peer := console.New(r.t, l.Suite.ID).Peer
	c, open, err := l.Open(r.config.Random)
	require.NoError(r.t, err)
	rakp1, err := c.RAKP1(r.Open(open, peer, r.now))
	if err != nil {
		return nil, err
	}
	rakp2, ok := r.RAKP1(rakp1, peer, r.now)
	require.True(r.t, ok)
	rakp3, err := c.RAKP3(rakp2)
	if err != nil {
		return nil, err
	}
	rakp4, ok := r.RAKP3(rakp3, peer, r.now)
	require.True(r.t, ok)
	return c, c.Confirm(rakp4)
}

// Client and table understand each other's packets, and drop those of others.
func TestClientPackets(t *testing.T) {
	eachSuite(t, func(t *testing.T, id byte) {
		r := newRig(t)
		c, err := r.open(oper(id))
		require.NoError(t, err)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", c, *c, c), "battery")
		sealed, err := c.Seal(nil, rmcp.PayloadSOL, []byte("hello"))
		require.NoError(t, err)
		s, plain, err := r.Receive(r.parse(sealed), console.New(t, id).Peer, r.now)
		require.NoError(t, err)
		require.Equal(t, "hello", string(plain))
		require.Equal(t, rmcp.Operator, s.Limit)
		answer, err := r.Seal(nil, s, rmcp.PayloadSOL, []byte("world"))
		require.NoError(t, err)

		p := r.parse(answer)
		for bit := range 8 * len(answer[4:]) {
			forged := bytes.Clone(answer)
			forged[4+bit/8] ^= 1 << (bit % 8)
			_, rest, _ := rmcp.ParseHeader(forged)
			if q, err := rmcp.ParsePacket(rest); err == nil {
				_, err = c.Receive(q)
				require.Error(t, err, "bit %d", bit)
			}
		}
		plain, err = c.Receive(p)
		require.NoError(t, err)
		require.Equal(t, "world", string(plain))
	})
}
