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
		"table.go", "if j.Path == \"\" || j.refused {", "if true {",
	},
	"a refusal is forgotten": {
		"table.go", "return c.overtook(r)", "return false",
	},
	"an action that ended is forgotten by the next process": {
		"inherit.go", "t.recall(j, j.Ended)", "t.forget(j)",
	},
	"the next process knows the last change alone": {
		"table.go", "maxKeptChanges = 16", "maxKeptChanges = 1",
	},
	"an action is accepted before its script has begun": {
		"table.go", "const beginning = 100 * time.Millisecond", "const beginning = 0",
	},
	"a run whose script has ended is shared": {
		"table.go", "j.State != Ending && !yield(j)", "!yield(j)",
	},
	"a client is not answered when its line is written": {
		"table.go", "\t\t\tt.Wait(j, c)\n\t\t}\n\t})", "\t\t\t_ = c\n\t\t}\n\t})",
	},
	"a job that waits for too long is dropped": {
		"table.go", "\t\tt.finish(j, machine.Busy, now)\n\t}\n\tt.expire", "\t\t_ = j\n\t}\n\tt.expire",
	},
	"nothing is owed": {
		"owed.go", "!c.owed() || j.refused", "!c.owed() || j.State == Over || j.refused",
	},
	"what was delivered is owed": {
		"owed.go", "c.Delivered = r.At\n", "",
	},
	"the next process does not know that an answer has left": {
		"owed.go", "if j.Path != \"\" {", "if false {",
	},
	"an outcome is owed for ever": {
		"owed.go", "now-j.Ended >= RepeatHold || ", "",
	},
	"a refusal is owed": {
		"owed.go", " || j.refused", "",
	},
	"a POST does not join its own job while another waits": {
		"owed.go", "!c.owed() || j.refused", "!c.owed() || j.State == Running || j.refused",
	},
	"a POST does not join its own job while its outcome is being saved": {
		"owed.go", "!c.owed() || j.refused", "!c.owed() || j.State == Ending || j.refused",
	},
	"what the client asked for first is owed": {
		"owed.go", "c.Latest > latest", "c.Latest < latest",
	},
	"a POST that joins after an answer is not owed anything": {
		"caller.go", "c.Latest = max(c.Latest, o.Latest)\n", "",
	},
	"a POST that joins after an answer is not in the action file": {
		"caller.go", "c.kept.owed() && ", "",
	},
	"the file is not expected to say that an answer has left": {
		"owed.go", "c.kept.Delivered = c.Delivered", "_ = c.kept",
	},
	"the file forgets that an answer has left": {
		"caller.go", "c.Delivered = max(c.Delivered, o.Delivered)\n", "",
	},
	"a POST that cannot be kept is dropped": {
		"table.go", "if err != nil && r.Sequence != 0 {", "if err != nil {",
	},
	"a promise is given before its file is there": {
		"promise.go", "\tt.Promise(j)\n", "\tj.accept()\n\tt.Promise(j)\n",
	},
	"a job begins while its promise is written": {
		"table.go", " || t.queued[0].promising {", " {",
	},
	"a client that asks while a promise is written is not in the action file": {
		"promise.go", "j.Path, j.Promised, j.Accepted = path, true, true\n\tt.keepAll(j)\n", "j.Path, j.Promised, j.Accepted = path, true, true\n",
	},
	"a job whose promise could not be written runs": {
		"promise.go", "\t\tt.takeQueued(func(o *Job) bool { return o == j })\n", "",
	},
	"a client that joins a promised job waits for its turn": {
		"table.go", "\t\t\tj.accept()\n\t\t} else if late(j) {", "\t\t} else if late(j) {",
	},
	"the next process may give up what was promised": {
		"inherit.go", "j.Promised, j.Accepted = true, true", "j.Accepted = true",
	},
	"a promised job that does not begin leaves its file as it is": {
		"table.go", "if j.promising || j.Promised && j.State < Running {", "if false {",
	},
	"a job that is superseded while its promise is written leaves its file as it is": {
		"table.go", "if j.promising || j.Promised", "if j.Promised",
	},
	"the end of what was promised is told before it is in the file": {
		"promise.go", "j.State, j.Outcome = Ending, outcome\n", "j.State, j.Outcome = Ending, outcome\n\tj.answer(outcome)\n",
	},
	"a client whose line is not written when a promise is withdrawn waits for ever": {
		"promise.go", "\t\tt.keepAll(j)\n\t\tt.Withdraw(j)\n", "\t\tt.Withdraw(j)\n",
	},
	"the end of what was withdrawn while its promise was written is lost": {
		"promise.go", "\tif withdrawn {\n\t\tt.Withdraw(j)\n", "\tif withdrawn {\n",
	},
	"how an accepted action ended is forgotten if it did nothing": {
		"table.go", "\tif !j.Accepted {\n\t\tt.forget(j)\n\t}\n", "\tt.forget(j)\n",
	},
	"the next process takes a refusal for an end": {
		"inherit.go", "t.recall(j, j.Ended)", "t.remember(&t.over, maxActions, j, j.Ended)",
	},
}

// A fault can only be put in where the source has the right piece, once.
func TestEveryFaultCanBePutIn(t *testing.T) {
	for name, fault := range putIn {
		source, err := os.ReadFile(fault.file)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(source), fault.right), "%s, in %s", name, fault.file)
	}
}

func TestTheSimulationFindsFaults(t *testing.T) {
	if !*faults {
		t.Skip("takes minutes: -faults")
	}
	for name, fault := range putIn {
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(fault.file)
			require.NoError(t, err)
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
