// Goecho sends every datagram back, and is nothing else: what any program in Go costs that a socket starts. It listens
// on the address that is its argument, or takes the socket that systemd passes; the settings of the runtime are those of
// shipmi-bmc.
package main

import (
	"log"
	"net"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/coreos/go-systemd/v22/daemon"
)

func main() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(50)
	conn, err := listen()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		log.Fatal(err)
	}
	for b := make([]byte, 1024); ; {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if err == nil {
			_, err = conn.WriteToUDPAddrPort(b[:n], from)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}

func listen() (*net.UDPConn, error) {
	var conn net.PacketConn
	var err error
	if len(os.Args) > 1 {
		conn, err = net.ListenPacket("udp", os.Args[1])
	} else {
		conn, err = net.FilePacketConn(os.NewFile(3, "socket"))
	}
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}
