# Types at ipmipower's prompt, as PowerMan does: each line once the one before is answered. prompt.py LINE...
import sys

import pexpect

ipmipower = pexpect.spawn("ipmipower -D LAN_2_0 -h 192.0.2.10 -u admin -p password --wait-until-on --wait-until-off",
                          encoding="ascii", echo=False, timeout=5)


def answer(line):
    ipmipower.expect_exact("ipmipower> ")
    ipmipower.sendline(line)
    ipmipower.expect(r"192\.0\.2\.10: [^\r\n]+")
    return ipmipower.match.group()


while "not discovered" in answer("stat"):  # nothing is done before the first ping is answered
    pass
for line in sys.argv[1:]:
    print(answer(line))
