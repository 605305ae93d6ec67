package jobs

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var faults = flag.Bool("faults", false, "show that the simulation finds faults that are put into the package")

// Each fault replaces a piece of a source file. The simulation must find a seed under which that breaks a rule.
var putIn = map[string]struct {
	file, right, wrong string
}{
	"a packet that was overtaken is new": {
		"caller.go", "(c.overtook(r) || !movedOn && soon)", "(!movedOn && soon)",
	},
	"the time counts from the first packet": {
		"caller.go", "c.Sequence, c.Latest = o.Sequence, o.Latest", "c.Sequence = o.Sequence",
	},
	"FreeIPMI is given 2 s for each packet": {
		"caller.go", "repeatGap = 5 * time.Second", "repeatGap = 2 * time.Second",
	},
	"ipmitool's rqSeq is no sign": {
		"caller.go", "return sameRqSeq || ", "return sameRqSeq && false || ",
	},
	"it does not matter that a client has moved on": {
		"caller.go", "movedOn := c.Moved != 0", "movedOn := false && c.Moved != 0",
	},
	"a new request for the same is no sign that a client has moved on": {
		"table.go", "if j != again {", "if j != again && j.Callers.find(r.Session, r.Key) == nil {",
	},
	"a client that joins again has still moved on": {
		"caller.go", "c.Moved = o.Moved\n\t\t}", "_ = o.Moved\n\t\t}",
	},
	"one rqSeq for everything is not noticed": {
		"table.go", "h.constant = h.constant ||", "h.constant = false &&",
	},
	"a client is answered before it is in the action file": {
		"caller.go", "return c.kept != nil &&", "return true || c.kept != nil &&",
	},
	"a client whose line is being written is answered when the script ends": {
		"table.go", "if j.Path == \"\" {\n\t\tj.unkept", "if true {\n\t\tj.unkept",
	},
	"a refusal is forgotten": {
		"table.go", "return c.overtook(r)", "return false",
	},
	"an action that ended is forgotten by the next process": {
		"inherit.go", "t.remember(&t.over, maxActions, j, j.Ended)", "t.forget(j)",
	},
	"the next process knows the last change alone": {
		"table.go", "maxKeptChanges = 16", "maxKeptChanges = 1",
	},
	"an action is accepted before its script has begun": {
		"table.go", "const beginning = 100 * time.Millisecond", "const beginning = 0",
	},
	"a run whose script has ended is shared": {
		"table.go", " && j.State != Ending", "",
	},
	"a client is not answered when its line is written": {
		"table.go", "\t\t\tt.Wait(j, c)\n\t\t}\n\t})", "\t\t\t_ = c\n\t\t}\n\t})",
	},
	"a job that waits for too long is dropped": {
		"table.go", "\t\tt.finish(j, machine.Busy, now)\n\t}\n\tt.expire", "\t\t_ = j\n\t}\n\tt.expire",
	},
}

func TestTheSimulationFindsFaults(t *testing.T) {
	if !*faults {
		t.Skip("takes minutes: -faults")
	}
	for name, fault := range putIn {
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(fault.file)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(string(source), fault.right), "in %s", fault.file)
			dir := t.TempDir()
			wrong := filepath.Join(dir, fault.file)
			require.NoError(t, os.WriteFile(wrong, []byte(strings.Replace(string(source), fault.right, fault.wrong, 1)), 0o600))

			right, err := filepath.Abs(fault.file)
			require.NoError(t, err)
			overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{right: wrong}})
			require.NoError(t, err)
			list := filepath.Join(dir, "overlay.json")
			require.NoError(t, os.WriteFile(list, overlay, 0o600))

			output, err := exec.Command("go", "test", "-vet=off", "-overlay", list, "-run", "^TestARequestRunsOnce", ".",
				"-seeds", "1000000").CombinedOutput()
			require.Error(t, err, "the simulation finds nothing")
			_, violation, found := strings.Cut(string(output), "-seed ")
			require.True(t, found, "%s", output)
			violation, _, _ = strings.Cut(violation, "\n")
			t.Log("seed " + violation)
		})
	}
}
