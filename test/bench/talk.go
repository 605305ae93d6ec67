package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/test/console"
)

// A command is netFn and command.
type command uint16

const (
	getChassisStatus command = 0x0001
	getDeviceID      command = 0x0601
	setPrivilege     command = 0x063B
	closeSession     command = 0x063C
	activatePayload  command = 0x0648
)

// least is the length of the data of an answer without what is optional (IPMI 2.0 §28.2, §20.1, §22.18, §22.19,
// §24.1).
var least = map[command]int{getChassisStatus: 3, getDeviceID: 11, setPrivilege: 1, closeSession: 0, activatePayload: 12}

// A talk is one command again and again, in sessions that take turns. What can be done before a request is sent and after
// its answer has come is not done between: requests are sealed before, and answers are opened later.
type talk struct {
	sessions []*client
	code     command
	data     []byte
	requests []request
	next     int
}

// A request is of one session and ready to be sent; then it has an answer, unless none came.
type request struct {
	*client
	block          cipher.Block
	rqSeq          byte
	packet, answer []byte
}

func (t *talk) exchanges() []exchange { return []exchange{{t.sessions[0].peer.name, t.say, t.hear}} }

// once is the whole of a talk that needs only one answer.
func (t *talk) once() {
	once(t.exchanges()...)
	require.NoError(must, t.check())
}

// prepare seals n more requests.
func (t *talk) prepare(n int) {
	const answerLen = 128 // more than that of any answer to a command
	answers := make([]byte, n*answerLen)
	var blocks []cipher.Block
	for _, c := range t.sessions {
		block, err := aes.NewCipher(c.K2[:aes.BlockSize])
		require.NoError(must, err)
		blocks = append(blocks, block)
	}
	for i := range n {
		turn := i % len(t.sessions)
		c := t.sessions[turn]
		r := request{client: c, block: blocks[turn], rqSeq: byte(c.Sequence % 64), answer: answers[i*answerLen:][:0:answerLen]}
		r.packet = c.Packet(console.Request(byte(t.code>>8), byte(t.code), r.rqSeq, t.data...))
		t.requests = append(t.requests, r)
	}
}

func (t *talk) say() (socket, []byte) {
	if t.next == len(t.requests) {
		t.prepare(1)
	}
	t.next++
	r := t.requests[t.next-1]
	return r.socket, r.packet
}

// hear knows an answer by its session and its rqSeq. Whether it is authentic is seen later.
func (t *talk) hear(b []byte) bool {
	const iv, first, rqSeq = 16, 32, 4
	r := &t.requests[t.next-1]
	if len(b) < first+aes.BlockSize || binary.LittleEndian.Uint32(b[sessionID:]) != r.SIDm {
		return false
	}
	r.block.Decrypt(r.plain[:], b[first:])
	if (r.plain[rqSeq]^b[iv+rqSeq])>>2 != r.rqSeq {
		return false
	}
	r.answer = append(r.answer, b...)
	return true
}

// check opens all answers, and takes back what was not sent.
func (t *talk) check() error {
	for _, r := range t.requests[:t.next] {
		if err := r.check(t.code); err != nil {
			return fmt.Errorf("%s: command %04x: %w", r.peer.name, uint16(t.code), err)
		}
	}
	for _, r := range t.requests[t.next:] {
		r.Sequence--
	}
	t.requests, t.next = nil, 0
	return nil
}

func (r *request) check(code command) error {
	if len(r.answer) == 0 {
		return nil // which was counted
	}
	_, plain := r.Read(r.answer)
	if r.peer.isEcho {
		if !bytes.Equal(r.packet, r.answer) {
			return fmt.Errorf("no echo: %x", r.answer)
		}
		return nil
	}
	const header, completionCode = 6, 6
	switch {
	case len(plain) < header+1+least[code]+1:
		return fmt.Errorf("too short an answer: %x", plain)
	case plain[1]>>2 != byte(code>>8)|1 || plain[4]>>2 != r.rqSeq || plain[5] != byte(code):
		return fmt.Errorf("answer to another request: %x", plain)
	case plain[completionCode] != 0:
		return fmt.Errorf("completion code %02x", plain[completionCode])
	}
	return nil
}
