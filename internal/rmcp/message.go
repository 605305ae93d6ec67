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

	// AddressClient is the address of remote console software 1 (§5.5).
	AddressClient = 0x81

	requestLen  = 7 // without data
	responseLen = 8 // without data
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
	if err := checkMessage(b, requestLen); err != nil {
		return Request{}, err
	}
	last := len(b) - 1
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

// checkMessage checks the length and the checksums of a LAN message.
func checkMessage(b []byte, shortest int) error {
	if len(b) < shortest {
		return wrongLength("LAN message", len(b), shortest)
	}
	last := len(b) - 1
	if checksum(b[:2]) != b[2] {
		return invalid("LAN message checksum 1", b[2])
	}
	if checksum(b[3:last]) != b[last] {
		return invalid("LAN message checksum 2", b[last])
	}
	return nil
}

// Append appends the IPMI payload of the request.
func (r Request) Append(b []byte) []byte {
	start := len(b)
	b = append(b, r.RsAddr, byte(r.NetFn)<<2|r.RsLUN)
	b = append(b, checksum(b[start:]))
	b = append(b, r.RqAddr, r.RqSeq<<2|r.RqLUN, r.Cmd)
	b = append(b, r.Data...)
	return append(b, checksum(b[start+3:]))
}

// A Response is an IPMI LAN message with the response to a request (§13.8).
type Response struct {
	NetFn NetFn // of the request
	RqSeq byte  // of the request
	Cmd   byte  // of the request
	Code  byte  // completion code (§5.2)
	Data  []byte
}

// ParseResponse reads an IPMI payload. Data is a slice of b. The error is ErrMalformed for a wrong checksum and for a
// request.
func ParseResponse(b []byte) (Response, error) {
	if err := checkMessage(b, responseLen); err != nil {
		return Response{}, err
	}
	netFn := NetFn(b[1] >> 2)
	if netFn&1 == 0 {
		return Response{}, invalid("network function of a response", byte(netFn))
	}
	return Response{NetFn: netFn &^ 1, RqSeq: b[4] >> 2, Cmd: b[5], Code: b[6], Data: b[7 : len(b)-1]}, nil
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
