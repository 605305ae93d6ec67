package inband

import "fmt"

// A Command is the first byte of a command of the protocol. The commands with which a BMC
// resets the guest, switches it off or interrupts it are missing: a script does that.
type Command byte

// The commands.
const (
	NoAttention        Command = 0x00 // of the BMC: no message flag is set
	Attention          Command = 0x01 // of the BMC: a message flag (IPMI 2.0 §22.4) is set
	AttentionInterrupt Command = 0x02 // likewise, with an interrupt
	GuestReset         Command = 0x04 // of QEMU: the guest was reset
	EnableInterrupt    Command = 0x05 // of the BMC: interrupt the guest for every response
	DisableInterrupt   Command = 0x06 // of the BMC
	Capabilities       Command = 0x08 // of QEMU, followed by what it does for a BMC, as bits
	Version            Command = 0xFF // of both, followed by ProtocolVersion
)

// ProtocolVersion is the only version there is.
const ProtocolVersion = 1

var commandNames = map[Command]string{
	NoAttention: "no attention", Attention: "attention", AttentionInterrupt: "attention with interrupt",
	GuestReset: "guest reset", EnableInterrupt: "enable interrupt", DisableInterrupt: "disable interrupt",
	Capabilities: "capabilities", Version: "version",
}

func (c Command) String() string {
	if name, ok := commandNames[c]; ok {
		return name
	}
	return fmt.Sprintf("command %#02x", byte(c))
}

// ParseCommand reads the body of a frame that is a command. Argument is a slice of it. The error
// is ErrMalformed for an empty body, and for a version or capabilities without an argument.
func ParseCommand(body []byte) (c Command, argument []byte, err error) {
	if len(body) == 0 {
		return 0, nil, fmt.Errorf("%w: empty command", ErrMalformed)
	}
	c, argument = Command(body[0]), body[1:]
	if (c == Version || c == Capabilities) && len(argument) == 0 {
		return 0, nil, fmt.Errorf("%w: %v without an argument", ErrMalformed, c)
	}
	return c, argument, nil
}

// Append appends the frame of a command.
func (c Command) Append(b []byte, argument ...byte) []byte {
	b = appendEscaped(b, byte(c))
	return append(appendEscaped(b, argument...), endOfCommand)
}
