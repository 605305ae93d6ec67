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
		{"sol payload status 1 2", `^User 2 on channel 1 is enabled$`},
		{"sol set retry-count 5", nothing},
		{"sol looptest 10 0", `^remain loop test counter: 1$`},
		{"! sol deactivate", `SOL payload already de-activated$`},
	},
}, {
	Name:     "FreeIPMI: ipmiconsole",
	About:    "`&.` leaves. The program needs a terminal, which script(1) makes.",
	Client:   "FreeIPMI",
	Patience: 20 * time.Second,
	Rows: []row{
		{"{ sleep 2; printf 'hello\\r'; sleep 1; printf '&.'; sleep 1; } | script --quiet --command 'ipmiconsole -h 192.0.2.10 -u admin -p password' /dev/null", `SOL established`},
		{"ipmiconsole -h 192.0.2.10 -u admin -p password --deactivate", nothing},
	},
}}
