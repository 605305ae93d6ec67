package rmcp

// A NetFn is the network function of a request (§5.1). It is even, and that of the response is one higher.
type NetFn byte

// The network functions of the commands that ShIPMI has.
const (
	NetFnChassis   NetFn = 0x00
	NetFnSensor    NetFn = 0x04
	NetFnApp       NetFn = 0x06
	NetFnStorage   NetFn = 0x0A
	NetFnTransport NetFn = 0x0C
	NetFnGroup     NetFn = 0x2C // the group is named by the first byte of the data
)

const (
	// NoAnswer is the tag of a Ping that the BMC must not answer.
	NoAnswer = 0xFF

	// AddressBMC is the slave address of the BMC (§5.1).
	AddressBMC = 0x20

	requestLen = 7 // without data
)

// A Request is an IPMI LAN message with a request (§13.8).
type Request struct {
	RsAddr byte // address of the responder; AddressBMC if the request is for the BMC
	NetFn  NetFn
	RsLUN  byte // 0 to 3
	RqAddr byte // address of the requester
	RqSeq  byte // 0 to 63; chosen by the client and copied into the response
	RqLUN  byte // 0 to 3
	Cmd    byte
	Data   []byte
}

// ParseRequest reads an IPMI payload. Data is a slice of b. The error is ErrMalformed for a wrong checksum and for a
// response. The BMC must not answer either of them.
func ParseRequest(b []byte) (Request, error) {
	if len(b) < requestLen {
		return Request{}, wrongLength("LAN message", len(b), requestLen)
	}
	last := len(b) - 1
	if checksum(b[:2]) != b[2] {
		return Request{}, invalid("LAN message checksum 1", b[2])
	}
	if checksum(b[3:last]) != b[last] {
		return Request{}, invalid("LAN message checksum 2", b[last])
	}
	netFn := NetFn(b[1] >> 2)
	if netFn&1 != 0 {
		return Request{}, invalid("network function of a request", byte(netFn))
	}
	return Request{
		RsAddr: b[0],
		NetFn:  netFn,
		RsLUN:  b[1] & 3,
		RqAddr: b[3],
		RqSeq:  b[4] >> 2,
		RqLUN:  b[4] & 3,
		Cmd:    b[5],
		Data:   b[6:last],
	}, nil
}

// AppendResponse appends the IPMI payload of the response to r: a completion code (§5.2) and data.
func (r Request) AppendResponse(b []byte, code byte, data []byte) []byte {
	start := len(b)
	b = append(b, r.RqAddr, byte(r.NetFn|1)<<2|r.RqLUN)
	b = append(b, checksum(b[start:]))
	b = append(b, r.RsAddr, r.RqSeq<<2|r.RsLUN, r.Cmd, code)
	b = append(b, data...)
	return append(b, checksum(b[start+3:]))
}

// checksum returns the byte that makes the sum of b and the byte 0 modulo 256.
func checksum(b []byte) byte {
	var sum byte
	for _, v := range b {
		sum += v
	}
	return -sum
}
