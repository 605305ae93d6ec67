#!/usr/bin/python
"""Makes the BMCs of a host what an inventory says, by way of "shipmi export" and "shipmi apply", which know what is right
and what differs. Start reading at main."""

import json
import os

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: shipmi_bmcs
short_description: Make BMCs of ShIPMI what they should be
description:
  - Adds, changes, starts, stops and deletes BMCs on a host where ShIPMI is installed, as root. Either all of it is done or
    nothing.
  - Settings that are not given have the defaults of C(shipmi apply) for a BMC that is new, and stay what they are for others.
  - BMCs that are not named are left alone.
options:
  leave:
    type: list
    elements: str
    default: []
    description: >-
      BMCs that move to another host. Those that are here are stopped, and C(left) in the result says all that is known of
      them, passwords included.
  arrived:
    type: str
    default: "{}"
    description: What C(left) was on other hosts, as JSON. A BMC among them is added as it was there.
  gone:
    type: list
    elements: str
    default: []
    description: BMCs to delete, which C(leave) has stopped.
  providers:
    type: list
    elements: str
    default: []
    description: >-
      Provider files that were copied. Check mode copies none, so it only tells of a BMC with a provider that is not there that
      it would be added or changed.
  bmcs:
    type: list
    elements: dict
    default: []
    description: The BMCs, each once. The names of settings are those of C(shipmi apply).
    suboptions:
      name: {type: str, required: true, description: Name of the BMC.}
      host: {type: str, description: Ignored.}
      state:
        type: str
        choices: [started, stopped, present, absent]
        default: started
        description: >-
          C(started) and C(stopped) mean now and at every boot. C(present) leaves that to others, such as Pacemaker.
          C(absent) deletes all that is kept for the BMC, and is refused while a script of it runs.
      provider: {type: str, description: Name or path of the provider.}
      set: {type: dict, description: All parameters of the provider; none if provider is given alone.}
      port: {type: int, description: UDP port for IPMI.}
      address: {type: list, elements: str, description: IP addresses to listen on.}
      no_ipmi: {type: bool, description: Whether there is only Redfish.}
      redfish: {type: int, description: TCP port for Redfish.}
      redfish_address: {type: list, elements: str, description: IP addresses for Redfish, if they are others.}
      tls_cert: {type: str, description: File with a certificate for Redfish.}
      tls_key: {type: str, description: File with the private key of that certificate.}
      allow: {type: list, elements: str, description: Networks and addresses to accept packets from; none means all.}
      advertise: {type: str, description: Address and port where clients reach the BMC.}
      username: {type: str, description: Name of the user with the ID 2. Others are left alone.}
      password: {type: str, description: Password of that user.}
      users:
        type: list
        elements: dict
        description: All users. The keys are those of C(shipmi apply).
        suboptions:
          name: {type: str, required: true, description: Name of the user.}
          id: {type: int, description: Its ID.}
          privilege: {type: str, required: true, description: "user, operator, administrator or none"}
          password: {type: str, description: Its password; without one it keeps the one that it has.}
          enabled: {type: bool, description: Whether it may log in.}
          messaging: {type: bool, description: Whether it may use IPMI.}
          console: {type: bool, description: Whether it may open the serial console.}
      kg: {type: str, description: BMC key.}
      cipher_suites: {type: list, elements: int, description: 3 (SHA1) and 17 (SHA256).}
      inband: {type: str, description: "Privilege of the guest: user, operator, admin or off."}
      media_urls: {type: list, elements: str, description: Beginnings of the URLs of images that clients may insert.}
      media_local: {type: bool, description: Whether images may come from this host.}
      run_as: {type: str, description: "USER[:GROUP] that the BMC and its scripts run as."}
      timeouts: {type: dict, description: "Timeouts by name, such as action: 20m."}
      console_log: {type: str, description: watched or always.}
      console_replay: {type: str, description: "yes or no"}
      comment: {type: str, description: A note.}
      manufacturer: {type: str, description: Manufacturer of the machine.}
      product: {type: str, description: Product name of the machine.}
      serial: {type: str, description: Serial number of the machine.}
      asset: {type: str, description: Asset tag of the machine.}
      uuid: {type: str, description: UUID of the machine.}
      machine_state: {type: dict, description: What a BMC that is new remembers. C(shipmi export --state) prints it.}
"""

EXAMPLES = r"""
- shipmi_bmcs:
    bmcs:
      - {name: web, provider: libvirt, set: {domain: web}, port: 6230, password: "{{ web_bmc_password }}"}
      - {name: old, state: absent}
"""

RETURN = r"""
left:
  description: The BMCs of C(leave) that are here, as C(shipmi export) prints them with passwords and state, by name.
  returned: always
  type: dict
changes:
  description: What was changed, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: ["web: added", "web: started"]
"""

STATES = ["started", "stopped", "present", "absent"]
SPEC = {
    "str": [
        "provider", "tls_cert", "tls_key", "advertise", "username", "inband", "run_as", "console_log", "console_replay",
        "comment", "manufacturer", "product", "serial", "asset", "uuid",
    ],
    "int": ["port", "redfish"],
    "bool": ["no_ipmi", "media_local"],
    "dict": ["set", "timeouts", "machine_state"],
}
LISTS = {"address": "str", "redfish_address": "str", "allow": "str", "media_urls": "str", "cipher_suites": "int", "users": "dict"}
RENAMED = {"set": "parameters"}
TRANSLATED = ["host", "username", "password", "kg", "users"]


def options():
    spec = {name: {"type": kind} for kind, names in SPEC.items() for name in names}
    spec.update({name: {"type": "list", "elements": kind} for name, kind in LISTS.items()})
    spec.update({name: {"type": "str", "no_log": True} for name in ["password", "kg"]})
    spec["users"]["options"] = {
        "name": {"type": "str", "required": True},
        "id": {"type": "int"},
        "privilege": {"type": "str", "required": True},
        "password": {"type": "str", "no_log": True},
        "enabled": {"type": "bool"},
        "messaging": {"type": "bool"},
        "console": {"type": "bool"},
    }
    spec["host"] = {"type": "str"}
    spec["name"] = {"type": "str", "required": True}
    spec["state"] = {"type": "str", "choices": STATES, "default": "started"}
    return spec


def wanted(bmc, now):
    """Returns what "shipmi apply" is to make of a BMC, which now is as "shipmi export" prints it, or None."""
    entry = dict(now or {})
    for name, value in bmc.items():
        if value is not None and name not in TRANSLATED:
            entry[RENAMED.get(name, name)] = value
    if bmc["users"] is not None:
        entry["users"] = [{name: value for name, value in user.items() if value is not None} for user in bmc["users"]]
    if bmc["provider"] is not None and bmc["set"] is None:
        entry.pop("parameters", None)
    if "parameters" in entry:  # YAML makes numbers and booleans of some texts
        entry["parameters"] = {name: value if isinstance(value, str) else json.dumps(value) for name, value in entry["parameters"].items()}
    if bmc["kg"] is not None:
        entry.pop("keep_kg", None)
        entry["kg"] = bmc["kg"]
    given = {"name": bmc["username"], "password": bmc["password"]}
    given = {name: value for name, value in given.items() if value is not None}
    if given and bmc["users"] is None:
        first = {"id": 2, "name": "admin", "privilege": "administrator"}
        users = (now or {}).get("users", [])
        first = next((user for user in users if user["id"] == 2), first)
        entry["users"] = [dict(first, **given)] + [user for user in users if user["id"] != 2]
    return entry


def missing(providers):
    """Returns the names of provider files that are not there, because check mode did not copy them."""
    files = [os.path.basename(provider) for provider in providers]
    return [os.path.splitext(name)[0] for name in files if not os.path.exists(os.path.join("/etc/shipmi/providers", name))]


class Host:
    """The shipmi command of a host."""

    def __init__(self, module):
        self.module = module
        self.program = module.get_bin_path("shipmi") or module.get_bin_path("shipmi", required=True, opt_dirs=["/usr/local/bin"])

    def shipmi(self, *args, document=None):
        """Runs a command, with a document for its standard input, and returns its output and its warnings."""
        status, out, err = self.module.run_command([self.program, *args], data=document, expand_user_and_vars=False)
        if status != 0:
            self.module.fail_json(msg=err.strip(), changed=False, changes=[])
        return out, err.splitlines()

    def export(self, names, *flags):
        """Returns the BMCs of these names that exist, by name."""
        there = set(self.shipmi("list", "--output=value", "--column=name")[0].split())
        names = [name for name in names if name in there]
        if not names:
            return {}
        exported = json.loads(self.shipmi("export", "--output=json", *flags, "--", *names)[0])
        return {bmc["name"]: bmc for bmc in exported["bmcs"]}

    def leave(self, names):
        """Stops BMCs, so that nothing changes any more, and returns all that is known of them."""
        leaving = self.export(names)
        running = [name for name, bmc in leaving.items() if bmc["state"] != "stopped"]
        if running and not self.module.check_mode:
            self.shipmi("stop", "--", *running)
        return self.export(list(leaving), "--state", "--show-passwords")

    def apply(self, bmcs):
        """Makes BMCs what they should be, or in check mode only looks, and returns what changes."""
        flags = ["--dry-run"] if self.module.check_mode else []
        document = json.dumps({"version": 1, "bmcs": bmcs})
        out, warnings = self.shipmi("apply", "--file=-", "--output=json", "--yes", *flags, document=document)
        for line in warnings:
            self.module.warn(line)
        changes = []
        for row in json.loads(out):
            for result in row["result"]:
                result = result.replace("to be ", "")
                details = ": " + ", ".join(row["changes"]) if result == "changed" and row["changes"] else ""
                changes.append("%s: %s%s" % (row["name"], result, details))
        return changes


def main():
    module = AnsibleModule(
        argument_spec={
            "leave": {"type": "list", "elements": "str", "default": []},
            "arrived": {"type": "str", "default": "{}", "no_log": True},
            "gone": {"type": "list", "elements": "str", "default": []},
            "providers": {"type": "list", "elements": "str", "default": []},
            "bmcs": {"type": "list", "elements": "dict", "default": [], "options": options()},
        },
        supports_check_mode=True,
    )
    params, host = module.params, Host(module)
    left = host.leave(params["leave"])
    arrived, names = json.loads(params["arrived"]), [bmc["name"] for bmc in params["bmcs"] if bmc["state"] != "absent"]
    now = host.export(names)
    bmcs = [wanted(bmc, now.get(bmc["name"], arrived.get(bmc["name"]))) for bmc in params["bmcs"]]
    for name, bmc in host.export(params["gone"]).items():
        if bmc["state"] != "stopped" and not module.check_mode:
            module.fail_json(msg="%s was started again: do two hosts of the inventory have the same address?" % name)
        bmcs.append({"name": name, "state": "absent"})
    lacking = [bmc for bmc in bmcs if bmc.get("provider") in missing(params["providers"])]
    changes = ["%s: %s" % (bmc["name"], "changed" if bmc["name"] in now else "added") for bmc in lacking]
    bmcs = [bmc for bmc in bmcs if bmc not in lacking]
    if bmcs:
        changes += host.apply(bmcs)
    module.exit_json(changed=bool(changes), changes=changes, left=left, diff={"prepared": "\n".join(changes)})


if __name__ == "__main__":
    main()
