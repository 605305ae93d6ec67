package rmcp

// A NetFn is the network function of a request (IPMI 2.0 §5.1); its response
// has the next higher, odd number.
type NetFn byte

// Network functions that occur over LAN.
const (
	NetFnChassis   NetFn = 0x00
	NetFnSensor    NetFn = 0x04
	NetFnApp       NetFn = 0x06
	NetFnStorage   NetFn = 0x0A
	NetFnTransport NetFn = 0x0C
	NetFnGroup     NetFn = 0x2C // the group is named by the first byte of the data
)

const (
	// NoAnswer is the tag of a Ping that wants none.
	NoAnswer = 0xFF

	// AddressBMC is the slave address of the BMC.
	AddressBMC = 0x20

	requestLen = 7 // without data
)

// A Request is an IPMI LAN message that asks for something (IPMI 2.0 §13.8).
type Request struct {
	RsAddr byte // responder: AddressBMC, or the message is for somebody else
	NetFn  NetFn
	RsLUN  byte
	RqAddr byte
	RqSeq  byte // 0 to 63; chosen by the requester, echoed
	RqLUN  byte
	Cmd    byte
	Data   []byte
}

// ParseRequest reads an IPMI payload. A wrong checksum or a response is
// ErrMalformed: neither may be answered.
func ParseRequest(b []byte) (Request, error) {
	if len(b) < requestLen {
		return Request{}, short("LAN message", len(b), requestLen)
	}
	last := len(b) - 1
	if checksum(b[:2]) != b[2] {
		return Request{}, bad("LAN message checksum 1", b[2])
	}
	if checksum(b[3:last]) != b[last] {
		return Request{}, bad("LAN message checksum 2", b[last])
	}
	netFn := NetFn(b[1] >> 2)
	if netFn&1 != 0 {
		return Request{}, bad("network function of a response", byte(netFn))
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

// AppendResponse appends the IPMI payload that answers r with a completion
// code and data.
func (r Request) AppendResponse(b []byte, code byte, data []byte) []byte {
	start := len(b)
	b = append(b, r.RqAddr, byte(r.NetFn|1)<<2|r.RqLUN)
	b = append(b, checksum(b[start:]))
	b = append(b, r.RsAddr, r.RqSeq<<2|r.RsLUN, r.Cmd, code)
	b = append(b, data...)
	return append(b, checksum(b[start+3:]))
}

// checksum makes the sum of b and itself zero modulo 256.
func checksum(b []byte) byte {
	var sum byte
	for _, v := range b {
		sum += v
	}
	return -sum
}
