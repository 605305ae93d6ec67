package main

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// statusPause is the least time between two status messages: systemd announces each of them on D-Bus.
const statusPause = time.Second

// A notifier sends status and watchdog messages to systemd without making its caller wait. While systemd reloads its
// units, which takes seconds with a thousand BMCs, it does not read, and the messages of all processes soon fill its
// socket. Meanwhile only the latest status is kept. The methods may be called by one goroutine only.
type notifier struct {
	latest chan string
	pings  chan struct{}
}

// newNotifier returns a notifier that delivers messages by send until ctx ends. The function may block.
func newNotifier(ctx context.Context, send func(string)) *notifier {
	n := &notifier{latest: make(chan string, 1), pings: make(chan struct{}, 1)}
	go n.run(ctx, send)
	return n
}

func (n *notifier) run(ctx context.Context, send func(string)) {
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

// status sets the text that "systemctl status" shows. It replaces a text that has not been sent yet.
func (n *notifier) status(text string) {
	select {
	case <-n.latest:
	default:
	}
	n.latest <- text
}

// alive resets systemd's watchdog.
func (n *notifier) alive() {
	select {
	case n.pings <- struct{}{}:
	default:
	}
}
