package provider

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// An IPMICommand is an IPMI command that the provider defines: a key of the section [COMMAND].
type IPMICommand struct {
	Verb      Verb // of its script
	NetFn     byte // of requests: even
	Cmd       byte
	Data      []byte // with which the data of a request begins
	Privilege string // that it needs at least: "user", "operator" or "administrator"
}

// Network functions whose commands IPMI leaves to others (IPMI 2.0 §5.1).
const (
	netFnGroup = 0x2C // the first byte of the data names the body that defines the command
	netFnOEM   = 0x2E // the first three bytes of the data are the number of an enterprise
	netFnFirst = 0x30
	netFnLast  = 0x3E

	bodyDCMI = 0xDC
)

// privileges are the words that may stand before a script, with commandReads.
var privileges = []string{"user", "operator", "administrator"}

// commandReads says that a script changes nothing.
const commandReads = "query"

// The first words of the verbs of IPMI commands. The others are the bytes of the command, in hex.
const (
	commandActs = "command "
	commandAsks = commandReads + " "
)

// IsCommand reports whether v is the verb of an IPMI command that the provider defines.
func (v Verb) IsCommand() bool {
	return strings.HasPrefix(string(v), commandActs) || strings.HasPrefix(string(v), commandAsks)
}

// parseCommandKey reads a key of [COMMAND]: network function, command and the first bytes of the data, as in 0x32 0xa1.
func parseCommandKey(key string) (c IPMICommand, err error) {
	var all []byte
	for _, word := range strings.Fields(key) {
		n, err := strconv.ParseUint(word, 0, 8)
		if err != nil {
			return c, fmt.Errorf("%q is no byte: want the network function, the command and the first bytes of the data, as in 0x32 0xa1", word)
		}
		all = append(all, byte(n))
	}
	if len(all) < 2 {
		return c, errors.New("want at least the network function and the command, as in 0x32 0xa1")
	}
	c = IPMICommand{NetFn: all[0], Cmd: all[1], Data: all[2:]}
	switch {
	case c.NetFn == netFnGroup && (len(c.Data) == 0 || c.Data[0] == bodyDCMI):
		return c, errors.New("commands of 0x2c belong to a body, the first byte of the data: want one, and not 0xdc (DCMI), whose commands ShIPMI has")
	case c.NetFn%2 != 0:
		return c, fmt.Errorf("network function %#02x is that of a response: want %#02x", c.NetFn, c.NetFn-1)
	case !MayDefine(c.NetFn):
		return c, fmt.Errorf("the commands of network function %#02x are those of IPMI, and scripts cannot replace them: want 0x2c, 0x2e, or 0x30 to 0x3e", c.NetFn)
	}
	return c, nil
}

// MayDefine reports whether providers may define commands of a network function.
func MayDefine(netFn byte) bool {
	return netFn == netFnGroup || netFn == netFnOEM || netFn >= netFnFirst && netFn <= netFnLast
}

func checkCommandName(key string) error {
	_, err := parseCommandKey(key)
	return err
}

// commandName is the key of a command in one spelling, so that a file overrides a command of a file that it includes.
func commandName(key string) string {
	c, err := parseCommandKey(key)
	if err != nil {
		return key
	}
	return hexBytes(append([]byte{c.NetFn, c.Cmd}, c.Data...))
}

func hexBytes(b []byte) string { return strings.TrimSpace(fmt.Sprintf("% x", b)) }

// readCommand reads the value of a command: the least privilege and "query", in any order and up to a colon, then the
// script.
func readCommand(s setting) (c IPMICommand, script string, err error) {
	if c, err = parseCommandKey(s.key); err != nil {
		return c, "", s.fail(err)
	}
	c.Privilege = "administrator"
	words, script, _ := strings.Cut(s.value, ":")
	first := commandActs
	for _, word := range strings.Fields(words) {
		switch {
		case word == commandReads:
			first = commandAsks
		case slices.Contains(privileges, word):
			c.Privilege = word
		default:
			return c, "", s.fail(fmt.Errorf(`want the least privilege and a colon before the script, as in "operator: true"; the words are %s and %s`,
				strings.Join(privileges, ", "), commandReads))
		}
	}
	c.Verb = Verb(first + hexBytes(append([]byte{c.NetFn, c.Cmd}, c.Data...)))
	if script = strings.TrimSpace(script); script == "" {
		return c, "", s.fail(errors.New("the script is missing"))
	}
	return c, script, nil
}

// IPMICommands lists the IPMI commands that the provider defines. Of two for the same request, the first one is the one with
// more bytes of data.
func (p *Provider) IPMICommands() []IPMICommand {
	return slices.SortedFunc(maps.Values(p.commands), func(a, b IPMICommand) int {
		return cmp.Or(cmp.Compare(a.NetFn, b.NetFn), cmp.Compare(a.Cmd, b.Cmd), cmp.Compare(len(b.Data), len(a.Data)),
			bytes.Compare(a.Data, b.Data))
	})
}

// Finds reports whether c is the command of a request.
func (c IPMICommand) Finds(netFn, cmd byte, data []byte) bool {
	return c.NetFn == netFn && c.Cmd == cmd && bytes.HasPrefix(data, c.Data)
}

// MaxResponse is how many bytes of data the response of an IPMI command may have. QEMU takes up to 295 from the BMC of a guest,
// and the driver of Linux up to 271.
const MaxResponse = 255

// A Response is what the script of an IPMI command answers.
type Response struct {
	Code byte // completion code, 0: the command has succeeded
	Data []byte
}

// Bytes is the response as it is kept: the completion code, then the data.
func (r Response) Bytes() []byte { return append([]byte{r.Code}, r.Data...) }

// ParseResponse reads what the script of an IPMI command printed: bytes in hex, with white space between them or not. Or
// "cc=" and two hex digits, for another completion code; such a response has no data.
func ParseResponse(text string) (Response, error) {
	if code, found := strings.CutPrefix(strings.TrimSpace(text), "cc="); found {
		n, err := strconv.ParseUint(code, 16, 8)
		if err != nil || len(code) != 2 || n == 0 {
			return Response{}, fmt.Errorf(`printed %.40q, want a completion code as in "cc=c9", and nothing else`, text)
		}
		return Response{Code: byte(n)}, nil
	}
	data, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return Response{}, fmt.Errorf("printed %.40q, want bytes in hex", text)
	}
	if len(data) > MaxResponse {
		return Response{}, fmt.Errorf("printed %d bytes, want at most %d", len(data), MaxResponse)
	}
	return Response{Data: data}, nil
}
