package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/stretchr/testify/require"
)

// sandbox is what "shipmi add --run-as" gives a BMC, one option a line.
const sandbox = "/usr/local/share/shipmi/sandbox.conf"

// own are the options of the unit that can be taken away, and what has to take their place.
var own = map[string]string{
	"CapabilityBoundingSet": "CapabilityBoundingSet=~\n",
	"RuntimeDirectory":      "RuntimeDirectory=\nEnvironment=RUNTIME_DIRECTORY=/run/bench-runtime\n",
	"StateDirectory":        "StateDirectory=\nEnvironment=STATE_DIRECTORY=/run/bench-state\n",
	"LimitCORE":             "LimitCORE=infinity\n",
	"WatchdogSec":           "WatchdogSec=0\n",
	"LoadCredential":        "LoadCredential=\nEnvironment=CREDENTIALS_DIRECTORY=/run/bench-credentials\n",
}

// options is what each option of the unit costs at a cold start: of the sandbox against a BMC that has none of it, of
// the unit itself against one that has them all. There is a BMC for each, and they take turns.
func (b *bench) options() {
	type variant struct{ name, figure, of string }
	all := []variant{{"bare", "sandbox", "none"}, {"sandboxed", "sandbox", "all of it"}, {"unit", "unit", "as it is"}}
	text := map[string]string{}
	lines, err := os.ReadFile(sandbox)
	require.NoError(must, err)
	for i, line := range strings.Split(string(lines), "\n") {
		if strings.Contains(line, "=") && !strings.HasPrefix(line, "#") {
			v := variant{fmt.Sprintf("sandbox-%d", i), "sandbox", line}
			all, text[v.name] = append(all, v), "[Service]\n"+line+"\n"
		}
	}
	for option, instead := range own {
		v := variant{"without-" + option, "unit", "without " + option}
		all, text[v.name] = append(all, v), "[Service]\n"+instead
	}

	run("useradd", "--system", "bench")
	var plain, sandboxed []string
	for _, v := range all {
		if v.figure == "sandbox" {
			sandboxed = append(sandboxed, v.name)
		} else {
			plain = append(plain, v.name)
		}
	}
	addBMCs(6300, plain)
	addBMCs(6400, sandboxed, "--run-as", "bench")
	run("mkdir", "/run/bench-runtime", "/run/bench-state", "/run/bench-credentials")
	run("cp", "/etc/shipmi/credentials/bench", "/run/bench-credentials/users")
	for _, v := range all {
		if v.figure == "sandbox" && v.name != "sandboxed" {
			masked := fmt.Sprintf("/etc/systemd/system/shipmi-bmc@%s.service.d/40-sandbox.conf", v.name)
			run("ln", "-sf", "/dev/null", masked)
		}
		dropIn(v.name, text[v.name])
	}
	run("systemctl", "daemon-reload")

	ports := map[string]int{}
	for i, name := range plain {
		ports[name] = 6300 + i
	}
	for i, name := range sandboxed {
		ports[name] = 6400 + i
	}
	for range max(1, b.activations/4) {
		for _, v := range all {
			a := activate(v.name, peer{addr: fmt.Sprintf("127.0.0.1:%d", ports[v.name])})
			b.add("options/"+v.figure, v.of, "ms", milliseconds(a.answered-a.sent))
		}
	}
}
