//go:build e2e

package clients

import "time"

var operators = []group{{
	name:     "fence_ipmilan (Pacemaker, oVirt, Kubernetes remediation)",
	about:    "An action that changes the power waits a second before it looks, twice for a reboot by off and on.",
	client:   "fence-agents",
	ipmi20:   "`lanplus=1` (`--lanplus`), or the agent `fence_ipmilanplus`: the default of `fence_ipmilan` is IPMI 1.5",
	prefix:   "fence_ipmilan --ip=192.0.2.10 --username=admin --password=password --lanplus",
	patience: 5 * time.Second,
	rows: []row{
		{"--action=status || [ $? = 2 ]", `^Status: OFF$`},
		{"--action=on", `^Success: Powered ON$`},
		{"--action=status", `^Status: ON$`},
		{"--action=monitor", nothing},
		{"--action=reboot", `^Success: Rebooted$`},
		{"--action=reboot --method=cycle", `^Success: Rebooted$`},
		{"--action=reboot --cipher=17", `^Success: Rebooted$`},
		{"--action=diag", `^Success: Rebooted$`},
		{"--action=off", `^Success: Powered OFF$`},
		{"--action=off", `^Success: Already OFF$`},
	},
}, {
	name:   "fence_ipmilanplus, and fence_ipmilan by standard input",
	about:  "As Pacemaker's fencer calls an agent: options by standard input.",
	client: "fence-agents",
	rows: []row{
		{"printf 'action=monitor\\nip=192.0.2.10\\nusername=admin\\npassword=password\\nlanplus=1\\n' | fence_ipmilan", nothing},
		{"fence_ipmilanplus --ip=192.0.2.10 --username=admin --password=password --action=monitor", nothing},
	},
}, {
	name:   "Prometheus ipmi_exporter",
	about:  "The default collectors, as a user of the level `user`.",
	client: "ipmi_exporter",
	ipmi20: "`driver: LAN_2_0` in the module, which is the default",
	before: []string{"cp ipmi_exporter.yml /etc/prometheus/ipmi_remote.yml && systemctl restart prometheus-ipmi-exporter",
		"curl --silent --retry 50 --retry-delay 1 --retry-connrefused --output /dev/null localhost:9290"},
	prefix: "curl --silent 'localhost:9290/ipmi?target=192.0.2.10'",
	rows: []row{
		{"", `^ipmi_up\{collector="bmc"\} 1$`},
		{"", `^ipmi_up\{collector="chassis"\} 1$`},
		{"", `^ipmi_chassis_power_state 0$`},
	},
}, {
	name:   "openQA (os-autoinst)",
	about:  "The back end `ipmi`: the BMC's health, a restart of the machine, and the loop that wants PXE read back.",
	client: "ipmitool",
	source: "os-autoinst/os-autoinst: backend/ipmi.pm",
	prefix: "ipmitool -I lanplus -H 192.0.2.10 -U admin -P password",
	rows: []row{
		{"mc guid", `^System GUID +: `},
		{"mc info", `^Device Available +: yes$`},
		{"mc selftest", `^Selftest: passed$`},
		{"chassis power status", `is off`},
		{"chassis bootdev pxe", `^Set Boot Device to pxe$`},
		{"chassis bootparam get 5", `(?s)Boot Flag Valid.*Force PXE`},
		{"chassis power on", `^Chassis Power Control: Up/On$`},
		{"chassis power status", `is on`},
		{"chassis power off", `^Chassis Power Control: Down/Off$`},
		{"chassis power status", `is off`},
		{"mc reset cold", `^Sent cold reset command to MC$`},
	},
}, {
	name: "vSphere DPM",
	about: "What vCenter sends, by the requests that virtualbmc-for-vsphere answers: ASF ping, authentication capabilities in an " +
		"RMCP+ packet, and in the session channel info, channel access, the MAC address and power.",
	client: "ipmitool",
	source: "kurokobo/virtualbmc-for-vsphere: vbmc4vsphere/vbmc.py",
	rows: []row{
		{"rmcpping -c 1 192.0.2.10", `^1 pings transmitted, 1 pongs received in time`},
		{"bash datagram.sh 0600ff07 06000000000000000000 0900 2018c8 8100380e0435", `811c6320003800010004`},
		{ipmitoolAs + " raw 6 0x42 0x0e", `^ 01 04 01 81 f2 1b 00 00 00$`},
		{ipmitoolAs + " raw 6 0x41 0x01 0x40", `^ 22 04$`},
		{ipmitoolAs + " raw 0x0c 0x02 0x01 5 0 0", `^ 11 02 00 5e 10 00 01$`},
		{ipmitoolAs + " power status", `^Chassis Power is off$`},
		{ipmitoolAs + " power on", `^Chassis Power Control: Up/On$`},
	},
}, {
	name:     "Ansible: ipmi_power, ipmi_boot",
	about:    "`community.general.ipmi_power` and `ipmi_boot` call pyghmi, as `ansible.py` does here. pyghmi has pauses of its own.",
	client:   "pyghmi",
	prefix:   "python3 ansible.py",
	patience: 5 * time.Second,
	rows: []row{
		{"'get_power()'", `^\{'powerstate': 'off'\}$`},
		{"'set_power(\"on\", wait=300)'", `^\{'powerstate': 'on'\}$`},
		{"'set_power(\"boot\", wait=300)'", `^\{'pendingpowerstate': 'reset'\}$`},
		{"'set_power(\"off\", wait=300)'", `^\{'powerstate': 'off'\}$`},
		{"'get_bootdev()'", `'bootdev': 'default'`},
		{"'set_bootdev(\"network\", persist=True, uefiboot=True)'", `^\{'bootdev': 'network'\}$`},
		{"'get_bootdev()'", `^\{'bootdev': 'network', 'persistent': True, 'uefimode': True\}$`},
	},
}, {
	name:     "PowerMan, and ipmipower's prompt",
	about:    "PowerMan keeps one ipmipower and types into it, by `/etc/powerman/ipmipower.dev`. A person may do the same.",
	client:   "FreeIPMI",
	source:   "chaos/powerman: etc/devices/ipmipower.dev",
	ipmi20:   "`-D LAN_2_0` in the line `device` of `powerman.conf`",
	prefix:   "python3 prompt.py",
	patience: 5 * time.Second,
	rows: []row{
		{"stat", `192\.0\.2\.10: off$`},
		{"on stat", `192\.0\.2\.10: ok$`},
		{"stat cycle stat", `192\.0\.2\.10: on$`},
		{"reset pulse", `192\.0\.2\.10: ok$`},
		{"identify-on identify-status", `192\.0\.2\.10: on$`},
		{"identify-off identify-status", `192\.0\.2\.10: off$`},
		{"off stat", `192\.0\.2\.10: off$`},
	},
}}
