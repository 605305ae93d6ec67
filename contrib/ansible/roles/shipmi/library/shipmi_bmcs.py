#!/usr/bin/python
"""Makes the BMCs of a host what an inventory says, by way of the shipmi command, which knows what is right and what
differs. Start reading at main."""

import json
import os

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: shipmi_bmcs
short_description: Make BMCs of ShIPMI what they should be
description:
  - Adds, changes, starts, stops and deletes BMCs on a host where ShIPMI is installed, as root.
  - Settings that are not given are those of C(shipmi add) for a BMC that is new, and stay what they are for others.
  - BMCs that are not named are left alone.
options:
  bmcs:
    type: list
    elements: dict
    required: true
    description: The BMCs, each once.
    suboptions:
      name: {type: str, required: true, description: Name of the BMC.}
      state:
        type: str
        choices: [started, stopped, present, absent]
        default: started
        description: >-
          C(started) and C(stopped) mean now and at every boot. C(present) leaves that to others, such as Pacemaker.
          C(absent) deletes all that is kept for the BMC, and is refused while a script of it runs.
      provider: {type: str, description: Name or path of the provider.}
      set: {type: dict, description: All parameters of the provider; needs C(provider).}
      port: {type: int, description: UDP port.}
      address: {type: list, elements: str, description: IP addresses to listen on.}
      allow: {type: list, elements: str, description: Networks and addresses to take packets from; none means all.}
      username: {type: str, description: Name of the user that C(shipmi add) makes.}
      password: {type: str, description: Password of that user.}
      kg: {type: str, description: BMC key.}
      run_as: {type: str, description: "USER[:GROUP] that the BMC and its scripts run as."}
      comment: {type: str, description: A note.}
      manufacturer: {type: str, description: Manufacturer of the machine.}
      product: {type: str, description: Product name of the machine.}
      serial: {type: str, description: Serial number of the machine.}
      asset: {type: str, description: Asset tag of the machine.}
"""

EXAMPLES = r"""
- shipmi_bmcs:
    bmcs:
      - {name: web, provider: libvirt, set: {domain: web}, port: 6230, password: "{{ web_bmc_password }}"}
      - {name: old, state: absent}
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: ["web: added", "web: started"]
"""

STATES = ["started", "stopped", "present", "absent"]
SECRETS = ["password", "kg"]
LISTS = ["address", "allow"]
TEXTS = ["provider", "port", "username", "run_as", "comment", "manufacturer", "product", "serial", "asset"]


def options():
    spec = {name: {"type": "str"} for name in TEXTS}
    spec.update({name: {"type": "list", "elements": "str"} for name in LISTS})
    spec.update({name: {"type": "str", "no_log": True} for name in SECRETS})
    spec["port"] = {"type": "int"}
    spec["set"] = {"type": "dict"}
    spec["name"] = {"type": "str", "required": True}
    spec["state"] = {"type": "str", "choices": STATES, "default": "started"}
    return spec


def settings(bmc):
    """Returns the flags for what a BMC is given, and the secrets that go to pipes."""
    flags = []
    for name in TEXTS:
        if bmc[name] is not None:
            flags += ["--%s=%s" % (name.replace("_", "-"), bmc[name])]
    for name in LISTS:
        flags += ["--%s=%s" % (name, item) for item in bmc[name] or []]
    if bmc["allow"] == []:
        flags += ["--allow=any"]
    flags += ["--set=%s=%s" % parameter for parameter in sorted((bmc["set"] or {}).items())]
    return flags, {name: bmc[name] for name in SECRETS if bmc[name] is not None}


class Host:
    """The BMCs of a host, and what was changed of them."""

    def __init__(self, module):
        self.module = module
        self.program = module.get_bin_path("shipmi", required=True, opt_dirs=["/usr/local/bin"])
        self.changes = []

    def shipmi(self, command, *args, secrets=None):
        """Runs a command. Secrets are neither on its command line nor in a file."""
        argv, pipes = [self.program, command], []
        for name, secret in (secrets or {}).items():
            reader, writer = os.pipe()
            with os.fdopen(writer, "w") as pipe:
                pipe.write(secret)
            pipes.append(reader)
            argv.append("--%s-file=/dev/fd/%d" % (name, reader))
        status, out, err = self.module.run_command([*argv, *args], pass_fds=pipes, expand_user_and_vars=False)
        for pipe in pipes:
            os.close(pipe)
        if status != 0:
            self.module.fail_json(msg=err.strip(), changed=bool(self.changes), changes=self.changes)
        for line in err.splitlines():
            self.module.warn(line)
        return out

    def change(self, what, names, command, *args, secrets=None):
        """Runs a command that changes BMCs, unless this is a check or there are none."""
        if names and not self.module.check_mode:
            self.shipmi(command, *args, "--", *names, secrets=secrets)
        self.changes += ["%s: %s" % (name, what) for name in names]

    def configure(self, bmc, exists):
        flags, secrets = settings(bmc)
        if not exists:
            self.change("added", [bmc["name"]], "add", *flags, secrets=secrets)
        elif flags or secrets:
            if bmc["provider"] is not None:  # then "set" has all parameters
                flags.append("--reset-parameters")
            differing = self.shipmi("set", "--dry-run", *flags, "--", bmc["name"], secrets=secrets)
            self.change("changed", differing.split(), "set", *flags, secrets=secrets)


def main():
    module = AnsibleModule(
        argument_spec={
            "bmcs": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": options(),
                "required_by": {"set": ["provider"]},
            },
        },
        supports_check_mode=True,
    )
    bmcs = module.params["bmcs"]
    names = [bmc["name"] for bmc in bmcs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        module.fail_json(msg="there twice: " + ", ".join(twice))

    host = Host(module)
    there = {bmc["name"]: bmc for bmc in json.loads(host.shipmi("list", "--output=json"))}
    listens = {name for name, bmc in there.items() if bmc["status"] == "running" and bmc["enabled"]}
    rests = {name for name, bmc in there.items() if bmc["status"] == "down" and not bmc["enabled"]}
    wanted = {state: [bmc["name"] for bmc in bmcs if bmc["state"] == state] for state in STATES}

    host.change("deleted", [name for name in wanted["absent"] if name in there], "delete")
    for bmc in bmcs:
        if bmc["state"] != "absent":
            host.configure(bmc, bmc["name"] in there)
    host.change("stopped", [name for name in wanted["stopped"] if name in there and name not in rests], "stop")
    host.change("started", [name for name in wanted["started"] if name not in listens], "start")
    module.exit_json(changed=bool(host.changes), changes=host.changes, diff={"prepared": "\n".join(host.changes)})


if __name__ == "__main__":
    main()
