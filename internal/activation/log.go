package activation

import (
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/sys/unix"

	"github.com/shipmi/shipmi/internal/counters"
	"github.com/shipmi/shipmi/internal/journal"
)

// NewLog returns the logger of the process of a program, for a BMC or, without its name, for the gateway. The
// logger writes records of the level least (debug, info, warn or error; empty means info) and
// above to the journal, or to standard error. It counts events in the file at the path counted,
// if there is one. Flush writes records that were held back, and is called before the process
// ends.
func NewLog(program, least, bmc, counted string) (log *slog.Logger, flush func()) {
	out := newLogWriter(unix.Stderr)
	level, wrongLevel := logLevel(least)
	handler := &logHandler{program: program, bmc: bmc, out: out, level: level}
	if entries, err := journal.NewEntries(os.Getenv); err == nil {
		handler.send = entries.Send
	}
	limiter := newRateLimiter(handler)
	log = slog.New(limiter)
	if counted != "" {
		counts, uncounted := counters.Open(counted)
		log = slog.New(&tally{limiter, counts})
		if uncounted != nil {
			log.Warn("events are not counted", "err", uncounted)
		}
	}
	if wrongLevel != nil {
		log.Warn(wrongLevel.Error())
	}
	return log, func() {
		limiter.flush()
		out.flush()
	}
}

// logLevel returns the least important level that is logged, which $SHIPMI_LOG names. A wrong
// name is no reason not to run.
func logLevel(name string) (slog.Level, error) {
	level := slog.LevelInfo
	if name == "" {
		return level, nil
	}
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo, fmt.Errorf("SHIPMI_LOG: %q: want debug, info, warn or error", name)
	}
	return level, nil
}
