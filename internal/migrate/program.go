package migrate

import (
	"fmt"
	"strings"

	"github.com/shipmi/shipmi/internal/instance"
)

// A program is a program to migrate from, described by its configuration files.
type program struct {
	section    string            // of the file
	machine    string            // key that only this program has: the machine of the BMC
	provider   string            // that replaces the program; "" if the file names it
	parameters map[string]string // of that provider, with the keys for their values
	login      func(keys map[string]string) *Login
	notes      map[string]string // on keys that have another meaning or none
}

var programs = []program{
	{ // ShIPMI in Python
		section: "VirtualBMC",
		machine: "name",
	},
	{ // VirtualBMC
		section:    "VirtualBMC",
		machine:    "domain_name",
		provider:   "libvirt",
		parameters: map[string]string{"domain": "domain_name", "uri": "libvirt_uri"},
		notes: map[string]string{
			"libvirt_sasl_username": "left behind, virsh finds it in /etc/libvirt/auth.conf, see libvirt.org/auth.html",
			"libvirt_sasl_password": "left behind, virsh finds it in /etc/libvirt/auth.conf, see libvirt.org/auth.html",
		},
	},
	{ // VirtualBMC for vSphere
		section:    "VirtualBMC",
		machine:    "vm_name",
		provider:   "vmware-govc",
		parameters: map[string]string{"vm": "vm_name"},
		login:      vSphereLogin,
		notes: map[string]string{
			"viserver": "its certificate is checked now; where it cannot be, add GOVC_INSECURE=1 to the login file",
			"vm_uuid":  "left behind, the machine is found by its name",
			"fakemac":  "left behind, there is no MAC address for the DPM of vSphere",
		},
	},
	{ // ProxmoxBMC
		section:    "ProxmoxBMC",
		machine:    "vmid",
		provider:   "proxmox-qm",
		parameters: map[string]string{"vmid": "vmid"},
		notes: map[string]string{
			"proxmox_address": "left behind, the BMC has to be on the Proxmox host itself, where it uses qm",
			"token_user":      "left behind, qm needs none",
			"token_name":      "left behind, qm needs none",
			"token_value":     "left behind, qm needs none",
		},
	},
}

// A Login is the credentials that a provider needs for another system, in a file.
type Login struct {
	Name      string // of the file; BMCs with the same credentials share it
	Parameter string // of the provider, which gets the path of the file
	Text      instance.Secret
}

// vSphereLogin returns a file for govc, which a shell reads.
func vSphereLogin(keys map[string]string) *Login {
	server, user := keys["viserver"], keys["viserver_username"]
	return &Login{
		Name:      fileName(user + "@" + server),
		Parameter: "login",
		Text: instance.Hide(fmt.Sprintf("GOVC_URL=%s\nGOVC_USERNAME=%s\nGOVC_PASSWORD=%s\n",
			quote(server), quote(user), quote(keys["viserver_password"]))),
	}
}

func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
