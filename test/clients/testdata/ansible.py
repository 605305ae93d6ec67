# What the Ansible modules ipmi_power and ipmi_boot do with pyghmi: ansible.py METHOD-CALL
import sys

from pyghmi.ipmi.command import Command

bmc = Command(bmc="192.0.2.10", userid="admin", password="password", port=623)
print(eval("bmc." + sys.argv[1]))
