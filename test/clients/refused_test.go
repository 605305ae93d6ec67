//go:build e2e

package clients

var refused = []group{{
	Name:  "IPMI 1.5",
	About: "What a client says that was not told to speak IPMI 2.0. Clusters hand options to an agent by its input.",
	Rows: []row{
		{"! ipmitool -H 192.0.2.10 -U admin -P password power status", `^Authentication type NONE not supported$`},
		{"! ipmitool -I lan -H 192.0.2.10 -U admin -P password power status", `IPMI v1\.5 / RMCP session$`},
		{"! goipmi -I lan -H 192.0.2.10 -U admin -P password chassis power status", `GetSessionChallenge failed, .* Invalid command$`},
		{"! fence_ipmilan <fence_ipmilan-1.5", `Unable to obtain correct plug status`},
		{"! ipmipower -h 192.0.2.10 -u admin -p password --stat", `authentication type unavailable`},
		{"! bmc-info -h 192.0.2.10 -u admin -p password", `authentication type unavailable`},
	},
}}
