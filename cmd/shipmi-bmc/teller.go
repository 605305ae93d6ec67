package main

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// statusPause is the least time from one status to the next: systemd tells others of each.
const statusPause = time.Second

// A teller tells systemd how the process is, and keeps nobody waiting for that. While systemd reloads its units,
// seconds where there are a thousand BMCs, it reads nothing, and what all processes send to it soon fills its socket.
// Of what could not be told only the latest is kept. The methods are for one goroutine.
type teller struct {
	latest  chan string
	healthy chan struct{}
}

// newTeller returns a teller whose messages send delivers until ctx ends, however long each takes.
func newTeller(ctx context.Context, send func(string)) *teller {
	t := &teller{latest: make(chan string, 1), healthy: make(chan struct{}, 1)}
	go t.run(ctx, send)
	return t
}

func (t *teller) run(ctx context.Context, send func(string)) {
	latest := t.latest
	var pause <-chan time.Time
	for {
		select {
		case <-t.healthy:
			send(daemon.SdNotifyWatchdog)
		case text := <-latest:
			send("STATUS=" + text)
			latest, pause = nil, time.After(statusPause)
		case <-pause:
			latest = t.latest
		case <-ctx.Done():
			return
		}
	}
}

// status replaces the one that was not told yet.
func (t *teller) status(text string) {
	select {
	case <-t.latest:
	default:
	}
	t.latest <- text
}

// alive tells the watchdog.
func (t *teller) alive() {
	select {
	case t.healthy <- struct{}{}:
	default:
	}
}
