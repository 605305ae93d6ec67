package actionlog

import (
	"time"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// A LastAction is the action that a BMC began last.
type LastAction struct {
	Verb    provider.Verb
	Time    time.Time        // when it ended, or when it began if it has not ended
	Running bool             // it has not ended
	Outcome *machine.Outcome // how it ended; nil if no process has written that
}

// Last reads the action files of a BMC without changing them. The caller may be root and need
// not trust the user of the BMC. Last returns nil if no file holds an action.
func Last(files []string) *LastAction {
	var last *LastAction
	for _, path := range files {
		if a := readLast(path); a != nil && (last == nil || !a.Time.Before(last.Time)) {
			last = a
		}
	}
	return last
}

func readLast(path string) *LastAction {
	f, err := Open(path)
	if err != nil {
		return nil // the BMC process has removed it since
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	text, err := contents(f)
	if err != nil {
		return nil
	}
	r, ok := parse(path, text)
	if !ok || !r.Intent.Verb.Known() || r.Promised {
		return nil
	}
	a := &LastAction{Verb: r.Intent.Verb, Time: info.ModTime(), Running: running(f) != 0}
	if r.Answer != nil {
		a.Outcome = &r.Answer.Outcome
	}
	return a
}
