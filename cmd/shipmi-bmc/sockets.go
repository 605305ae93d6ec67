package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/bmc"
)

// sockets takes the datagram sockets that systemd passed. With an error come
// those that are good.
func sockets() (conns []bmc.Conn, err error) {
	files := passed()
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

// firstPassed is SD_LISTEN_FDS_START.
const firstPassed = 3

// passed takes what systemd has passed to this process, see sd_listen_fds(3). The package of go-systemd that does so
// brings all of TLS into the program.
func passed() []*os.File {
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil
	}
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	var files []*os.File
	for fd := firstPassed; fd < firstPassed+n; fd++ {
		unix.CloseOnExec(fd)
		name := fmt.Sprintf("descriptor %d", fd)
		if i := fd - firstPassed; i < len(names) && names[i] != "" {
			name = names[i]
		}
		files = append(files, os.NewFile(uintptr(fd), name))
	}
	return files
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
