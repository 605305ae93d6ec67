package bmc

import (
	"io"
	"time"

	"github.com/shipmi/shipmi/internal/ipmi"
	"github.com/shipmi/shipmi/internal/provider"
)

// A LastAction is what a BMC was last asked to do.
type LastAction struct {
	Verb    provider.Verb
	Time    time.Time  // when it ended; before that, when it began
	Running bool       // it has not ended
	Code    *ipmi.Code // how it ended; nil while nobody has asked
}

// FindLastAction reads the action files of a BMC, which it does not touch, for
// somebody beside its process who may not trust it. It returns nil if none of them
// says anything.
func FindLastAction(files []string) *LastAction {
	var last *LastAction
	for _, path := range files {
		if a := readLastAction(path); a != nil && (last == nil || !a.Time.Before(last.Time)) {
			last = a
		}
	}
	return last
}

// maxActionFile is more than a process writes into one.
const maxActionFile = 1 << 20

func readLastAction(path string) *LastAction {
	file, err := provider.OpenAction(path)
	if err != nil {
		return nil // the process has removed it since
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(file, maxActionFile))
	if err != nil {
		return nil
	}
	f, ok := parseAction(path, string(text))
	if !ok || !f.Verb.Known() {
		return nil
	}
	a := &LastAction{Verb: f.Verb, Time: info.ModTime(), Running: provider.Running(path) != 0}
	if f.answer != nil {
		a.Code = &f.answer.Code
	}
	return a
}
