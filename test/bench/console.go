package main

import (
	"io"
	"os/exec"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// socat represents a program that joins the same pseudoterminal to a pipe, with no protocol.
const socat = "socat"

// prints and types are console scripts: one prints all the time, the other returns what is typed. The provider has them
// by the name of the BMC.
const (
	prints = "yes 0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"
	types  = "cat"
)

// console is a serial console: how much output of the machine arrives in a second, and how long a keystroke takes to be
// echoed by a program on the terminal. An echo that the terminal makes itself would be faster.
func (b *bench) console() {
	names := []string{"prints", "types"}
	addBMCs(6280, names)
	var lines []*serialLine
	for i, name := range names {
		lines = append(lines, openLine(peer{name: shipmi}.at(6280+i, name)))
	}
	b.rounds(func() {
		b.output(shipmi, lines[0].output)
		b.output(socat, socatOutput)
		b.echo(shipmi, lines[1].echo)
		typist := startSocat(types)
		b.echo(socat, typist.echo)
		typist.end()
	})
	run("systemctl", "stop", "shipmi-bmc@prints.service", "shipmi-bmc@types.service")
}

func (b *bench) output(of string, read func(time.Duration) int) {
	start := time.Now()
	n := read(b.round)
	b.add("console/output", of, "kB/s", float64(n)/1000/time.Since(start).Seconds())
}

func (b *bench) echo(of string, once func()) {
	var took []float64
	start := time.Now()
	for time.Since(start) < b.round {
		began := time.Now()
		once()
		took = append(took, milliseconds(time.Since(began)))
	}
	b.times("console/echo", of, took, time.Since(start))
}

// A serialLine is a client that has the console open (IPMI 2.0 §15.9).
type serialLine struct {
	*client
	number     byte // of the latest packet of the client, 1 to 15
	got, count byte // number and characters of the latest packet of the BMC
}

func openLine(p peer) *serialLine {
	c := openSessions(p, 17, 1)[0]
	const encryptedAndAuthentic = 0xC0
	c.command(activatePayload, 1, 1, encryptedAndAuthentic, 0, 0, 0)
	return &serialLine{client: c}
}

// send sends characters, and acknowledges what came.
func (l *serialLine) send(text string) {
	number := byte(0) // nothing but an acknowledgment
	if text != "" {
		l.number = l.number%15 + 1
		number = l.number
	}
	_, err := unix.Write(int(l.socket), l.SOL(string([]byte{number, l.got, l.count, 0})+text))
	require.NoError(must, err)
}

// receive returns the next characters, and acknowledges them. A packet that only acknowledges has none, and neither has one that
// the BMC sends again.
func (l *serialLine) receive() string {
	const header = 4
	wait([]unix.PollFd{{Fd: int32(l.socket), Events: unix.POLLIN}})
	b := make([]byte, 1024)
	n, _, err := unix.Recvfrom(int(l.socket), b, unix.MSG_DONTWAIT)
	require.NoError(must, err, "the console is silent")
	packet := l.ReadSOL(b[:n])
	if packet[0] == 0 {
		return ""
	}
	again := packet[0] == l.got
	l.got, l.count = packet[0], byte(len(packet)-header)
	l.send("")
	if again {
		return ""
	}
	return packet[header:]
}

// output reads for a while and returns how many characters came.
func (l *serialLine) output(d time.Duration) (n int) {
	for start := time.Now(); time.Since(start) < d; {
		n += len(l.receive())
	}
	return n
}

// echo types a character and waits until it comes back.
func (l *serialLine) echo() {
	for l.send("x"); ; {
		if text := l.receive(); text != "" {
			require.Equal(must, "x", text)
			return
		}
	}
}

// A socatLine is a script on a raw pseudoterminal that socat joins to a pipe in each direction.
type socatLine struct {
	cmd *exec.Cmd
	in  io.Writer
	out io.Reader
}

func startSocat(script string) *socatLine {
	l := &socatLine{cmd: exec.Command("socat", "STDIO", "EXEC:"+script+",pty,rawer")}
	var err error
	l.in, err = l.cmd.StdinPipe()
	require.NoError(must, err)
	l.out, err = l.cmd.StdoutPipe()
	require.NoError(must, err)
	require.NoError(must, l.cmd.Start())
	return l
}

func (l *socatLine) end() {
	require.NoError(must, l.cmd.Process.Kill())
	_ = l.cmd.Wait()
}

func (l *socatLine) echo() {
	_, err := l.in.Write([]byte("x"))
	require.NoError(must, err)
	b := make([]byte, 1)
	_, err = l.out.Read(b)
	require.NoError(must, err)
	require.Equal(must, "x", string(b))
}

func socatOutput(d time.Duration) (n int) {
	l := startSocat(prints)
	defer l.end()
	b := make([]byte, 64<<10)
	for start := time.Now(); time.Since(start) < d; {
		read, err := l.out.Read(b)
		require.NoError(must, err)
		n += read
	}
	return n
}
