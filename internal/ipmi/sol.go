package ipmi

import "github.com/shipmi/shipmi/internal/rmcp"

// solParameters are the parameters of the SOL configuration (IPMI 2.0 §26.3, table 26-5),
// all but the port, in the order of their numbers. SOL is disabled. The other values are
// those that clients know best.
var solParameters = [][]byte{
	{0},                               // set complete
	{0},                               // disabled
	{0xC0 | byte(rmcp.Administrator)}, // encrypted and authenticated
	{12, 96},                          // send after 60 ms, or 96 characters
	{7, 50},                           // 7 tries, 500 ms apart
	{0},                               // bit rate: that of the serial port
	{0},
	{lanChannel},
}

const solPort = 8

func getSOLConfiguration(_ *BMC, r *Request) Answer {
	number := r.Data[1]
	switch {
	case !validChannel(r.Data[0] &^ revisionOnly):
		return reply(InvalidField)
	case r.Data[0]&revisionOnly != 0:
		return done(parameterRevision)
	case number == solPort:
		return done(append([]byte{parameterRevision}, port(r.Local.Port())...)...)
	case int(number) < len(solParameters):
		return done(append([]byte{parameterRevision}, solParameters[number]...)...)
	}
	return reply(UnsupportedParameter)
}

// setSOLConfiguration lets a client announce that it will write, but not write.
func setSOLConfiguration(_ *BMC, r *Request) Answer {
	if !validChannel(r.Data[0]) {
		return reply(InvalidField)
	}
	return refuseWrite(r.Data[1:], r.Data[1] <= solPort)
}
