package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
)

// sandbox is what "shipmi add --run-as" gives a BMC, one option a line; asUser is what it is for.
const (
	sandbox = "/usr/local/share/shipmi/sandbox.conf"
	asUser  = "User=bench\n"
)

// own are the options of the unit that can be taken away, and what has to take their place.
var own = map[string]string{
	"CapabilityBoundingSet": "CapabilityBoundingSet=~\n",
	"RuntimeDirectory":      "RuntimeDirectory=\nEnvironment=RUNTIME_DIRECTORY=/run/bench-runtime\n",
	"StateDirectory":        "StateDirectory=\nEnvironment=STATE_DIRECTORY=/run/bench-state\n",
	"LimitCORE":             "LimitCORE=infinity\n",
	"WatchdogSec":           "WatchdogSec=0\n",
	"LoadCredential":        "LoadCredential=\nEnvironment=CREDENTIALS_DIRECTORY=/run/bench-credentials\n",
}

// A variant is a BMC whose service has settings of its own, and what it is in the results.
type variant struct{ figure, of, settings string }

// variants are the unit as it is and with each of its options taken away; and as a user, with each option of the sandbox,
// with none, and with all.
func variants() []variant {
	text, err := os.ReadFile(sandbox)
	require.NoError(must, err)
	all := []variant{{"sandbox", "none", asUser}, {"sandbox", "all of it", asUser + string(text)}}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "=") && !strings.HasPrefix(line, "#") {
			all = append(all, variant{"sandbox", strings.TrimSpace(line), asUser + line})
		}
	}
	all = append(all, variant{"unit", "as it is", ""})
	for _, option := range slices.Sorted(maps.Keys(own)) {
		all = append(all, variant{"unit", "without " + option, own[option]})
	}
	return all
}

// options is what each option of the unit costs at a cold start. There is a BMC for each, and they take turns.
func (b *bench) options() {
	run("useradd", "--system", "bench")
	run("mkdir", "/run/bench-runtime", "/run/bench-state", "/run/bench-credentials")
	run("cp", "/etc/shipmi/credentials/bench", "/run/bench-credentials/users")
	all := variants()
	var names []string
	for i := range all {
		names = append(names, fmt.Sprintf("option-%d", i))
	}
	addBMCs(6300, names)
	for i, v := range all {
		dropIn(names[i], "[Service]\n"+v.settings)
	}
	run("systemctl", "daemon-reload")
	for range max(1, b.activations/5) {
		for i, v := range all {
			a := activate(names[i], peer{addr: fmt.Sprintf("127.0.0.1:%d", 6300+i)})
			b.add("options/"+v.figure, v.of, "ms", milliseconds(a.answered-a.sent))
		}
	}
}
