// Goecho sends every datagram back, when it has computed what the protocol has a BMC compute for it, and is nothing else:
// it knows no session, no command and no file. It is what any BMC in Go costs that a socket starts. It listens on the port
// of 127.0.0.1 that is its argument, or takes the socket that systemd passes, and waits in the kernel, as shipmi-bmc does,
// whose settings of the runtime and whose maxSlice it has.
package main

import (
	"errors"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

const (
	passed   = 3 // SD_LISTEN_FDS_START
	maxSlice = 5 * time.Millisecond
)

func main() {
	runtime.GOMAXPROCS(3)
	debug.SetGCPercent(50)
	socket, err := passed, error(nil)
	if len(os.Args) > 1 {
		socket, err = listen(os.Args[1])
	}
	if err == nil {
		_, err = daemon.SdNotify(false, daemon.SdNotifyReady)
	}
	a, yielded := newArithmetic(), time.Now()
	for b := make([]byte, 1024); err == nil || errors.Is(err, unix.EINTR); {
		var n int
		var from unix.Sockaddr
		if n, from, err = unix.Recvfrom(socket, b, 0); err == nil {
			a.do(b[:n])
			err = unix.Sendto(socket, b[:n], 0, from)
		}
		if now := time.Now(); now.Sub(yielded) > maxSlice {
			yielded = now
			runtime.Gosched()
		}
	}
	log.Fatal(err)
}

func listen(port string) (socket int, err error) {
	number, err := strconv.Atoi(port)
	if err != nil {
		return 0, err
	}
	if socket, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0); err != nil {
		return 0, err
	}
	return socket, unix.Bind(socket, &unix.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, 1}})
}
