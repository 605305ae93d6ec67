package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/activation"

	"github.com/shipmi/shipmi/internal/bmc"
)

// sockets takes the datagram sockets that systemd passed.
func sockets() ([]bmc.Conn, error) {
	files := activation.Files(true)
	if len(files) == 0 {
		return nil, settingError{errors.New("no socket was passed: start shipmi-bmc@NAME.socket, not the program")}
	}
	var conns []bmc.Conn
	for _, f := range files {
		c, err := udpConn(f)
		if err != nil {
			return conns, settingError{fmt.Errorf("socket %s: %w: want ListenDatagram= with an address and a port", f.Name(), err)}
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func udpConn(f *os.File) (*net.UDPConn, error) {
	defer f.Close()
	c, err := net.FilePacketConn(f)
	if err != nil {
		return nil, err
	}
	if udp, ok := c.(*net.UDPConn); ok {
		return udp, nil
	}
	return nil, errors.Join(fmt.Errorf("a %T", c), c.Close())
}

// discardTime is how long a process that cannot serve empties its sockets. Left
// in there, datagrams would have systemd start it again and again.
const discardTime = time.Second

func discard(conns []bmc.Conn) {
	until := time.Now().Add(discardTime)
	b := make([]byte, 1)
	for _, c := range conns {
		_ = c.SetReadDeadline(until)
		for err := error(nil); err == nil || errors.Is(err, io.ErrShortBuffer); {
			_, _, _, _, err = c.ReadMsgUDPAddrPort(b, nil)
		}
	}
	time.Sleep(time.Until(until))
}
