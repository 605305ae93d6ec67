package session

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// Neither the log nor fmt prints a secret, whatever the verb and whatever the value that holds the secret.
func TestSecretsAreNotPrinted(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite byte) {
		r, c := newRig(t), console.New(t, suite)
		c.Kg = "key of the BMC"
		r.Kg = func() []byte { return []byte(c.Kg) }
		c.Login(r.from(c))
		r.requireEcho(c, "hello")
		s := r.Find(c.SIDc, r.now)

		texts := []string{r.log.String()}
		for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %o %b %c %e %t %U %p %T") {
			for _, v := range []any{s, *s, s.exchange, r.Table, *r.Table, r.Config, &r.Config, r.Users, r.Users[0], &r.Users[0]} {
				texts = append(texts, fmt.Sprintf(verb, v))
			}
		}
		for name, secret := range map[string][]byte{
			"password": []byte(c.Password), "Kg": []byte(c.Kg), "SIK": c.SIK,
			"K1": c.K1, "K1 in HMAC": xor(c.K1, 0x36), "K1 in HMAC, hashed": hashed(t, c, xor(c.K1, 0x36)), "K2": c.K2,
		} {
			for _, form := range forms(secret[:8]) {
				for _, text := range texts {
					require.NotContains(t, text, form, name)
				}
			}
		}
	})
}

// forms returns the texts that fmt would print for the first 8 bytes of a secret: as text, as bytes, and as the words of an
// expanded key.
func forms(b []byte) []string {
	all := []string{string(b), fmt.Sprintf("%q", b), fmt.Sprintf("%x", b), fmt.Sprintf("%X", b)}
	list := func(verb string, values ...any) {
		all = append(all,
			fmt.Sprintf(strings.Repeat(verb+" ", len(values)), values...),
			fmt.Sprintf(strings.Repeat(verb+", ", len(values)), values...))
	}
	for _, verb := range []string{"%d", "%o", "%b", "%U", "%#v", "%x", "%X"} {
		list(verb, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7])
		list(verb, binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]))
		list(verb, binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]))
	}
	return all
}

// xor returns the first block of an HMAC.
func xor(key []byte, pad byte) []byte {
	block := bytes.Repeat([]byte{pad}, 64)
	for i, v := range key {
		block[i] ^= v
	}
	return block
}

// hashed returns the state of the hash after a block.
func hashed(t *testing.T, c *console.Console, block []byte) []byte {
	create, _ := c.Hash()
	h := create()
	h.Write(block)
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	require.NoError(t, err)
	return state[len("sha?"):]
}
