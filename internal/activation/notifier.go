package activation

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// statusPause is the least time between two status messages: systemd announces each of them on D-Bus.
const statusPause = time.Second

// A Notifier sends status and watchdog messages to systemd without making its caller wait. While systemd reloads its
// units, which takes seconds with a thousand BMCs, it does not read, and the messages of all processes soon fill its
// socket. Meanwhile only the latest status is kept. The methods may be called by one goroutine only.
type Notifier struct {
	latest chan string
	pings  chan struct{}
}

// NewNotifier returns a Notifier that delivers messages by send until ctx ends. The function may block.
func NewNotifier(ctx context.Context, send func(string)) *Notifier {
	n := &Notifier{latest: make(chan string, 1), pings: make(chan struct{}, 1)}
	go n.run(ctx, send)
	return n
}

func (n *Notifier) run(ctx context.Context, send func(string)) {
	latest := n.latest
	var pause <-chan time.Time
	for {
		select {
		case <-n.pings:
			send(daemon.SdNotifyWatchdog)
		case text := <-latest:
			send("STATUS=" + text)
			latest, pause = nil, time.After(statusPause)
		case <-pause:
			latest = n.latest
		case <-ctx.Done():
			return
		}
	}
}

// Status sets the text that "systemctl status" shows. It replaces a text that has not been sent yet.
func (n *Notifier) Status(text string) {
	select {
	case <-n.latest:
	default:
	}
	n.latest <- text
}

// Alive resets systemd's watchdog.
func (n *Notifier) Alive() {
	select {
	case n.pings <- struct{}{}:
	default:
	}
}

// Notify sends a message to systemd. It does nothing if the process was not started by systemd.
func Notify(state string) { _, _ = daemon.SdNotify(false, state) }
