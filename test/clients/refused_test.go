//go:build e2e

package clients

var refused = []group{{
	name:   "Serial over LAN",
	about:  "There is none yet, and clients say so at once.",
	client: "FreeIPMI",
	rows: []row{
		{"ipmiconsole -h 192.0.2.10 -u admin -p password", `SOL unavailable`},
		{"ipmiconsole -h 192.0.2.10 -u admin -p password --deactivate", `SOL unavailable`},
		{"! " + ipmitoolAs + " sol activate", `^Info: SOL payload disabled$`},
		{"! " + ipmitoolAs + " sol deactivate", `^Info: SOL payload already de-activated$`},
	},
}, {
	name:   "IPMI 1.5",
	about:  "What a client says that was not told to speak IPMI 2.0.",
	client: "ipmitool",
	rows: []row{
		{"! ipmitool -I lan -H 192.0.2.10 -U admin -P password power status", `^Error: Unable to establish IPMI v1\.5 / RMCP session$`},
		{"! ipmitool -H 192.0.2.10 -U admin -P password power status", `^Authentication type NONE not supported$`},
		{"! fence_ipmilan --ip=192.0.2.10 --username=admin --password=password --action=status", `Unable to obtain correct plug status`},
		{"! ipmipower -h 192.0.2.10 -u admin -p password --stat", `authentication type unavailable for attempted privilege level$`},
		{"! bmc-info -h 192.0.2.10 -u admin -p password", `authentication type unavailable for attempted privilege level$`},
	},
}}
