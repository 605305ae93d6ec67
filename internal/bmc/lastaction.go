package bmc

import (
	"os"
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
// somebody beside its process. It returns nil if none of them says anything.
func FindLastAction(files []string) *LastAction {
	var last *LastAction
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil || last != nil && info.ModTime().Before(last.Time) {
			continue // the process has removed it since
		}
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		f, ok := parseAction(path, string(text))
		if !ok {
			continue
		}
		last = &LastAction{Verb: f.Verb, Time: info.ModTime(), Running: provider.Running(path) != 0}
		if f.answer != nil {
			last.Code = &f.answer.Code
		}
	}
	return last
}
