package serial

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shipmi/shipmi/internal/provider"
)

// supervise starts and ends the script.
func (p *Port) supervise(now time.Duration) {
	needed := p.needed()
	if needed {
		p.unused = now
	}
	switch {
	case p.changing:
	case p.terminal == nil && needed && now >= p.retry:
		p.start(now)
	case p.terminal != nil && now >= p.unused+keepScript:
		p.end(now, false)
	}
}

// start has a worker start the script. Characters that a client types meanwhile wait for the
// script, because a program types as soon as the console is open.
func (p *Port) start(now time.Duration) {
	p.changing = true
	p.line.Connect()
	err := p.Later(func() func() {
		terminal, err := p.Connect(context.Background())
		return func() {
			p.changing = false
			if err != nil {
				p.logFailure(err)
				p.line.Disconnect()
				p.again("script not started")
			} else {
				p.connected(terminal, p.Now())
			}
			p.front.Wake()
		}
	})
	if err != nil {
		p.line.Disconnect()
		p.changing, p.retry = false, now+firstPause
	}
}

// logFailure logs why the script could not be started, once. It is tried again and again.
func (p *Port) logFailure(err error) {
	if text := err.Error(); text != p.failure {
		p.Log.Error("console script not started", "err", err)
		p.failure = text
	}
}

func (p *Port) connected(t Terminal, now time.Duration) {
	p.failure = ""
	p.terminal, p.began = t, now
	p.line.Connect()
}

// end has a worker end the script, which may have ended by itself. If no worker is free,
// the next call of Serve tries again.
func (p *Port) end(now time.Duration, byItself bool) {
	terminal := p.terminal
	err := p.Later(func() func() {
		how := terminal.End()
		return func() {
			p.changing = false
			if byItself {
				p.again(how)
			}
			p.front.Wake()
		}
	})
	if err != nil {
		return
	}
	p.terminal, p.changing = nil, true
	p.line.Disconnect()
	if now-p.began >= steadyRun {
		p.pause = firstPause
	}
}

// again has the script run again after a pause, and tells that to the clients.
func (p *Port) again(why string) {
	now := p.Now()
	p.retry = now + p.pause
	if p.line.Open() {
		p.line.Print(fmt.Sprintf("[console: %s, again in %d s]", why, p.pause/time.Second), now)
	}
	p.pause = min(2*p.pause, maxPause)
}

// sendBreak has a worker run the script for a break.
func (p *Port) sendBreak() {
	err := p.Later(func() func() {
		err := p.Break(context.Background())
		return func() {
			switch {
			case err == nil:
				p.Log.Info("console break sent")
			case errors.Is(err, provider.ErrNoScript) && p.noBreak:
			default:
				p.noBreak = errors.Is(err, provider.ErrNoScript)
				p.Log.Warn("console break not sent", "err", err)
			}
		}
	})
	if err != nil {
		p.Log.Warn("console break not sent", "err", err)
	}
}
