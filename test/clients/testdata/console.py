# Types arguments into pyghmi's console, after each of them waits for it, and prints what came: console.py TEXT...
# The argument "break" sends a break.
import sys
import time

from pyghmi.ipmi.console import Console
from pyghmi.ipmi.private.session import Session

printed = ""


def prints(data):
    global printed
    printed += data["error"] if isinstance(data, dict) and "error" in data else data.decode() if isinstance(data, bytes) else ""


console = Console("192.0.2.10", "admin", "password", iohandler=prints)
for text in sys.argv[1:]:
    end = time.monotonic() + 20
    while not console.connected and time.monotonic() < end:
        Session.wait_for_rsp(0.1)
    if text == "break":
        console.send_break()
        continue
    console.send_data(text)
    while text not in printed and time.monotonic() < end:
        Session.wait_for_rsp(0.1)
console.close()
print(printed)
