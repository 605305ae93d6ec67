# Evaluates an expression with sushy, as Ironic's driver "redfish" would: ironic.py HOW EXPRESSION...
# HOW is the class of sushy.auth with which it logs in. REDFISH in the environment is another address of the service.
import os
import sys
import time

import sushy
import sushy.auth

login = getattr(sushy.auth, sys.argv[1])("admin", "password")
service = sushy.Sushy(os.environ.get("REDFISH", "https://192.0.2.10"), verify="/etc/shipmi/tls/cert.pem", auth=login)
system = service.get_system("/redfish/v1/Systems/node-0")
boot = system.set_system_boot_options


def becomes(state):
    while system.power_state != state:
        time.sleep(0.1)
        system.refresh()
    return system.power_state


for expression in sys.argv[2:]:
    system.refresh()
    cd = system.managers[0].virtual_media.get_members()[0]
    print(eval(expression))
