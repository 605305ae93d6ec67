//go:build e2e

package chaos

// An action is what a call asks for; it is also what the script is told, in SHIPMI_VERB, behind "power-".
type action string

// A client is a program that asks BMCs for actions.
type client struct {
	name string
	// line is its command line, with $PORT, $SUITE and $ACTION.
	line string
	// words are its own for the actions.
	words map[action]string
	// done matches all that it prints if it says that the action was done; then it exits with 0.
	done string
	// unanswered matches what it prints if it does not know what became of its request. FreeIPMI gives up when it gets
	// the second copy of an answer of the key exchange, and then calls the error "success".
	unanswered string
}

var clients = []client{{
	name: "ipmitool",
	line: "ipmitool -I lanplus -H 127.0.0.1 -p $PORT -U admin -P sesame -C $SUITE chassis power $ACTION",
	words: map[action]string{
		"on": "on", "off": "off", "cycle": "cycle", "reset": "reset", "diag": "diag", "shutdown": "soft",
	},
	done:       `Chassis Power Control: (Up/On|Down/Off|Cycle|Reset|Diag|Soft)\n$`,
	unanswered: `Unable to set Chassis Power Control`,
}, {
	name: "ipmipower",
	line: "ipmipower -D LAN_2_0 -h 127.0.0.1:$PORT -u admin -p sesame -I $SUITE --$ACTION",
	words: map[action]string{
		"on": "on", "off": "off", "cycle": "cycle", "reset": "reset", "diag": "pulse", "shutdown": "soft",
	},
	done:       `^127\.0\.0\.1: ok\n$`,
	unanswered: `session timeout|unassemble_ipmi_rmcpplus_pkt`,
}, {
	name: "ipmi-chassis",
	line: "ipmi-chassis -D LAN_2_0 -h 127.0.0.1:$PORT -u admin -p sesame -I $SUITE --chassis-control=$ACTION",
	words: map[action]string{
		"on": "power-up", "off": "power-down", "cycle": "power-cycle", "reset": "hard-reset",
		"diag": "diagnostic-interrupt", "shutdown": "soft-shutdown",
	},
	done:       `^$`,
	unanswered: `ipmi_cmd_chassis_control: (session timeout|success)`,
}, {
	name: "goipmi",
	line: "../../bin/goipmi -I lanplus -H 127.0.0.1 -p $PORT -U admin -P sesame chassis power $ACTION",
	words: map[action]string{
		"on": "on", "off": "off", "cycle": "cycle", "reset": "reset", "diag": "diag", "shutdown": "soft",
	},
	done:       `^$`,
	unanswered: `(ChassisControl|close client) failed, .*before deadline|^panic: `,
}}
