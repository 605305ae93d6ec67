//go:build e2e

package load

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	serialConsoles  = 64
	activatePayload = 0x0648
)

// A flood delays the command of another session by that much at most. On a machine that is busy with other things, even a
// command without a flood may take longer. So the time of a slow command without a flood is added, and one command in
// twenty may wait longer for the processor.
const maxDelay = 50 * time.Millisecond

// Many serial consoles are open at once. They take little memory, and little time of the processor at rest.
func TestSerialConsoles(t *testing.T) {
	configure(t, *idle, time.Minute)
	var names []string
	for i := range serialConsoles {
		names = append(names, fmt.Sprintf("console-%d", i))
	}
	command(t, "shipmi", append([]string{"add", "--provider", "dummy", "--password", password, "--address", "127.0.0.1",
		"--port", fmt.Sprintf("%d+", firstPort+1000)}, names...)...)
	command(t, "shipmi", append([]string{"start"}, names...)...)
	visits := make([]*visit, serialConsoles)
	all := func(name string, do func(*testing.T, int)) {
		require.True(t, t.Run(name, func(t *testing.T) {
			for i := range visits {
				t.Run(strconv.Itoa(i), func(t *testing.T) {
					t.Parallel()
					do(t, i)
				})
			}
		}))
	}
	all("open", func(t *testing.T, i int) {
		visits[i] = openConsole(t, fmt.Sprintf("127.0.0.1:%d", firstPort+1000+i), 1)
	})
	for n := range 3 {
		all(fmt.Sprintf("type %d", n), func(t *testing.T, i int) { visits[i].echo(t, n, fmt.Sprintf("console %d, %d\r", i, n)) })
	}

	pids := processes(t)
	require.Len(t, pids, serialConsoles)
	memory, before := privateOf(pids), switches(t, pids)
	const rest = 5 * time.Second
	time.Sleep(rest)
	woken := switches(t, pids) - before
	fmt.Printf("%d serial consoles: %d KiB in all; they were scheduled %d times in %v\n", serialConsoles, memory, woken, rest)
	require.Less(t, memory, serialConsoles*8<<10)
	require.Less(t, woken, serialConsoles*20) // some of it is Go's: its monitor and its collector
	all("type last", func(t *testing.T, i int) { visits[i].echo(t, 3, "last\r") })
	for _, v := range visits {
		v.conn.Close()
	}
	command(t, "shipmi", append([]string{"delete", "--yes"}, names...)...)
}

// openConsole logs in and opens an instance of the serial console.
func openConsole(t *testing.T, addr string, instance byte) *visit {
	v := login(t, addr, new(figure))
	v.command(setPrivilege, administrator)
	v.command(activatePayload, 1, instance, 0xC6, 0, 0, 0)
	return v
}

// echo types a text, the n-th one from 0, and waits until the console has repeated it.
func (v *visit) echo(t *testing.T, n int, text string) {
	number := byte(n%15 + 1)
	_, err := v.conn.Write(v.SOL(string([]byte{number, 0, 0, 0}) + text))
	require.NoError(t, err)
	require.NoError(t, v.conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	for seen := ""; !strings.Contains(seen, text); {
		b := make([]byte, 1024)
		read, err := v.conn.Read(b)
		require.NoError(t, err)
		seen += v.acknowledge(b[:read])
	}
}

// acknowledge takes a packet of the console, acknowledges it, and returns its characters.
func (v *visit) acknowledge(b []byte) string {
	plain := v.ReadSOL(b)
	if plain[0] != 0 {
		_, _ = v.conn.Write(v.SOL(string([]byte{0, plain[0], byte(len(plain) - 4), 0})))
	}
	return plain[4:]
}

// switches is how often the threads of processes have been scheduled because they had something to do.
func switches(t *testing.T, pids []int) (sum int) {
	for _, pid := range pids {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			_, count, _ := strings.Cut(string(text), "\nvoluntary_ctxt_switches:")
			n, err := strconv.Atoi(strings.Fields(count)[0])
			require.NoError(t, err)
			sum += n
		}
	}
	return sum
}

// A console script that prints without end delays no command of another session: neither while a client acknowledges
// all that it can get, nor while a client only watches, for which the script does not wait. The client that watches comes
// first, because a client that has gone without a word keeps the console, and the script waits for it.
func TestSerialFlood(t *testing.T) {
	configure(t, *idle, time.Minute)
	require.NoError(t, os.WriteFile("/etc/shipmi/flood.conf", []byte("[POWER]\nstatus = echo on\n[CONSOLE]\nconnect = exec yes\n"), 0o644))
	command(t, "shipmi", "add", "flood", "--provider", "/etc/shipmi/flood.conf", "--password", password, "--address", "127.0.0.1",
		"--port", strconv.Itoa(firstPort+2000))
	command(t, "shipmi", "start", "flood")
	addr := fmt.Sprintf("127.0.0.1:%d", firstPort+2000)
	measure := func(name string) (p95, p99 time.Duration) {
		f := new(figure)
		v := login(t, addr, f)
		for range 300 {
			v.command(getDeviceID)
			time.Sleep(5 * time.Millisecond)
		}
		v.close()
		fmt.Printf("%s: commands: %s\n", name, percentiles(f.commands))
		slices.Sort(f.commands)
		return f.commands[len(f.commands)*95/100], f.commands[len(f.commands)*99/100]
	}
	_, quiet := measure("no flood")
	for _, instance := range []byte{2, 1} {
		name := fmt.Sprintf("flood to instance %d", instance)
		reader := openConsole(t, addr, instance)
		ended := make(chan int)
		go func() {
			printed := 0
			for b := make([]byte, 1024); ; {
				n, err := reader.conn.Read(b)
				if err != nil {
					ended <- printed
					return
				}
				if b[5] == 0xC1 {
					printed += len(reader.acknowledge(b[:n]))
				}
			}
		}()
		require.NoError(t, reader.conn.SetReadDeadline(time.Time{}))
		flooded, _ := measure(name)
		_ = reader.conn.(*net.UDPConn).SetReadDeadline(time.Now())
		printed := <-ended
		fmt.Printf("%s: %d KiB were read\n", name, printed>>10)
		require.Greater(t, printed, 64<<10)
		require.Less(t, flooded, quiet+maxDelay, name)
		reader.conn.Close()
	}
	pids := processes(t)
	require.Len(t, pids, 1)
	require.Less(t, privateOf(pids), 16<<10)
	command(t, "shipmi", "delete", "flood", "--yes")
}
