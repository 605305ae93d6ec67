package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/activation"

	"github.com/shipmi/shipmi/internal/bmc"
)

// sockets takes the datagram sockets that systemd passed. With an error come
// those that are good.
func sockets() (conns []bmc.Conn, err error) {
	files := activation.Files(true)
	if len(files) == 0 {
		return nil, settingError{errors.New("no socket was passed: start shipmi-bmc@NAME.socket, not the program")}
	}
	for _, f := range files {
		if c, bad := udpConn(f); bad == nil {
			conns = append(conns, c)
		} else {
			err = settingError{fmt.Errorf("socket %s: want ListenDatagram= with an address and a port: %w", f.Name(), bad)}
		}
	}
	return conns, err
}

func udpConn(f *os.File) (*bmc.Socket, error) {
	defer f.Close()
	c, err := net.FilePacketConn(f)
	if err != nil {
		return nil, err
	}
	if udp, ok := c.(*net.UDPConn); ok {
		s, err := bmc.NewSocket(udp)
		if err != nil {
			return nil, err
		}
		return s, s.DropNoise()
	}
	return nil, errors.Join(fmt.Errorf("it is a %T", c), c.Close())
}

// discardTime is how long a process that cannot serve empties its sockets. Left
// in there, datagrams would have systemd start it again and again.
const discardTime = time.Second

func discard(conns []bmc.Conn) {
	until := time.Now().Add(discardTime)
	var readers sync.WaitGroup
	for _, c := range conns {
		readers.Go(func() {
			err := c.SetReadDeadline(until)
			for err == nil {
				_, _, _, _, err = c.ReadMsgUDPAddrPort(make([]byte, 1), nil)
			}
		})
	}
	readers.Wait()
	time.Sleep(time.Until(until))
}
