//go:build e2e

package clients

import "time"

var serialConsoles = []group{{
	Name:     "ipmitool: sol",
	About:    "The console of the provider dummy repeats what is typed. `~.` leaves, `~B` sends a break.",
	Client:   "ipmitool",
	Prefix:   ipmitoolAs,
	Patience: 20 * time.Second,
	Rows: []row{
		{"sol info", `^Enabled +: true$`},
		{"sol info", `^Privilege Level +: OPERATOR$`},
		{"sol info 1", `^Payload Port +: 623$`},
		{"sol set retry-count 5", nothing},
		{"sol set retry-interval 20", nothing},
		{"sol set character-send-threshold 200", nothing},
		{"sol set privilege-level admin", nothing},
		{"sol info", `^Privilege Level +: ADMINISTRATOR$`},
		{"! -L OPERATOR sol activate", `Insufficient privilege level`},
		{"sol set privilege-level operator", nothing},
		{"sol payload status 1 2", `^User 2 on channel 1 is enabled$`},
		{"sol payload disable 1 2", nothing},
		{"sol payload status 1 2", `^User 2 on channel 1 is disabled$`},
		{"! sol activate", `Insufficient privilege level`},
		{"sol payload enable 1 2", nothing},
		{"sol set enabled false", nothing},
		{"! sol activate", `disabled`},
		{"sol set enabled true", nothing},
		{"sol looptest 200 0", `^remain loop test counter: 1$`},
		{"! sol deactivate", `SOL payload already de-activated$`},
	},
}, {
	Name:     "ipmitool: sol activate",
	About:    "`terminal.py` runs a program on a terminal, waits for a text, types another one, and so on.",
	Client:   "ipmitool",
	Prefix:   "sol='" + ipmitoolAs + " sol activate';",
	Patience: 30 * time.Second,
	Rows: []row{
		{`{ sleep 2; printf 'hello\r'; sleep 1; printf '~.'; } | $sol 2>&1`, `hello`}, // it complains that a pipe is no terminal
		{`python3 terminal.py "$sol" operational 'hello\r' hello '~.'`, `^hello$`},
		{`python3 terminal.py "$sol" operational "$(seq -s ' ' 4300)\r" 4300 '~.' | grep -c "^$(seq -s ' ' 4300)$"`, `^1$`},
		{`python3 terminal.py "$sol" operational '\r~B' '[send break]' 'hello\r' hello '~.'`, `^hello$`},
		{`python3 terminal.py "$sol instance=2" operational '\r~.'`, `terminated ipmitool`},
		{`sh held.sh python3 terminal.py "$sol instance=2" operational '\r~.'`, `terminated ipmitool`},
		{`! $sol instance=5`, `Invalid data field`},
		{`! sh held.sh $sol`, `SOL payload already active on another session`},
		{`sh held.sh ` + ipmitoolAs + ` sol deactivate`, `\[console closed by admin from 192\.0\.2\.10\]`},
	},
}, {
	Name:     "FreeIPMI: ipmiconsole",
	About:    "`&.` leaves. The program needs a terminal. `held.sh` has ipmitool open the console before.",
	Client:   "FreeIPMI",
	Prefix:   "console='ipmiconsole -h 192.0.2.10 -u admin -p password';",
	Patience: 30 * time.Second,
	Rows: []row{
		{`python3 terminal.py "$console" established 'hello\r' hello '&.'`, `^hello$`},
		{`python3 terminal.py "$console" established '\r&B' 'break' 'hello\r' hello '&.'`, `^hello$`},
		{`python3 terminal.py "$console --dont-steal" established 'hello\r' hello '&.'`, `^hello$`},
		{`sh held.sh python3 terminal.py "$console --dont-steal"`, `SOL in use`},
		{`sh held.sh python3 terminal.py "$console" established 'hello\r' hello '&.'`, `\[console closed by admin from 192\.0\.2\.10\]`},
		{`sh held.sh python3 terminal.py "$console --sol-payload-instance=2" established '&.'`, `established`},
		{`sh held.sh $console --deactivate`, `\[console closed by admin from 192\.0\.2\.10\]`},
		{`$console --deactivate`, nothing},
	},
}, {
	Name:   "conman",
	About:  "conmand has two consoles open, through FreeIPMI, while the machines are switched on and power-cycled. `&.` leaves.",
	Client: "conman",
	Before: []string{
		"ip address replace 192.0.2.11/24 dev bmc0",
		"shipmi set node-0 --address 192.0.2.10 && shipmi add node-1 --provider dummy --address 192.0.2.11 && shipmi start node-1",
	},
	Prefix:   "conman='conman -d 127.0.0.1:7890';",
	Patience: 30 * time.Second,
	Rows: []row{
		{`conmand -c conman.conf`, nothing},
		{`until [ "$(grep -c ' connected to' conman.log)" = 2 ]; do sleep 0.2; done; grep connected conman.log`, `Console \[node-1\] connected to <192\.0\.2\.11>`},
		{`$conman -q`, `^node-1$`},
		{`python3 terminal.py "$conman node-0" opened 'first\r' first '&.'`, `^first$`},
		{`python3 terminal.py "$conman node-1" opened 'second\r' second '&.'`, `^second$`},
		{ipmitoolAs + " power on", `^Chassis Power Control: Up/On$`},
		{ipmitoolAs + " -H 192.0.2.11 power on", `^Chassis Power Control: Up/On$`},
		{ipmitoolAs + " power cycle", `^Chassis Power Control: Cycle$`},
		{ipmitoolAs + " -H 192.0.2.11 power cycle", `^Chassis Power Control: Cycle$`},
		{`python3 terminal.py "$conman node-0" opened 'third\r' third '&Bfourth\r' fourth '&.'`, `fourth`},
		{`python3 terminal.py "$conman node-1" opened 'fifth\r' fifth '&.'`, `^fifth$`},
		{`conmand -c conman.conf -k; grep -c 'connected' conman.log`, `^2$`},
	},
}, {
	Name:     "pyghmi's console, Confluent",
	About:    "`console.py` types its arguments, and waits for each of them.",
	Client:   "pyghmi",
	Prefix:   "python3 console.py",
	Patience: 30 * time.Second,
	Rows: []row{
		{"hello", `^hello$`},
		{`"$(seq -s ' ' 1000 1059)"`, `^1000 1001 .* 1059$`},
		{"hello break again", `^helloagain$`},
	},
}, {
	Name:     "goipmi: sol",
	About:    "`~X` leaves. It sends an empty packet ten times a second.",
	Client:   "goipmi",
	Prefix:   "sol='goipmi -I lanplus -H 192.0.2.10 -U admin -P password sol';",
	Patience: 30 * time.Second,
	Rows: []row{
		{"$sol info", `^\[ 1\] SOL Enable +: true$`},
		{`python3 terminal.py "$sol activate" Connected 'hello\r' hello '\r~X'`, `^hello$`},
		{`{ sleep 1; printf 'hello\r'; sleep 2; printf '\r~X'; } | $sol activate`, `hello`},
	},
}, {
	Name:     "Ironic: ipmitool-socat",
	About:    "The console is closed, opened for a client of socat, killed, closed, and opened again.",
	Client:   "ipmitool",
	Source:   "openstack/ironic: ironic/drivers/modules/ipmitool.py, console_utils.py",
	Patience: 30 * time.Second,
	Rows: []row{
		{"! " + ironicAs + " sol deactivate", `SOL payload already de-activated$`},
		{ironicSocat, nothing},
		{`{ sleep 2; printf 'hello\r'; sleep 1; } | socat - TCP4:127.0.0.1:8023`, `hello`},
		{ironicAs + ` sol deactivate; true`, nothing},
		{ironicSocat, nothing},
		{`{ sleep 2; printf 'again\r'; sleep 1; kill "$(cat node.pid)"; } | socat - TCP4:127.0.0.1:8023`, `again`},
		{ironicAs + ` sol deactivate 2>&1; true`, `\A`},
		{ironicSocat, nothing},
		{`{ sleep 2; printf 'third\r'; sleep 1; } | socat - TCP4:127.0.0.1:8023`, `third`},
	},
}}

const (
	ironicAs    = "ipmitool -I lanplus -H 192.0.2.10 -U admin -f password"
	ironicSocat = `socat -T600 -Lnode.pid TCP4-LISTEN:8023,bind=127.0.0.1,reuseaddr EXEC:"` + ironicAs +
		` sol activate",pty,stderr >socat.log 2>&1 & until [ -e node.pid ]; do sleep 0.1; done`
)
