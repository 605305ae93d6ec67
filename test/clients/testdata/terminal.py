# Has a dialogue with a program on a terminal, and prints what the program printed:
# terminal.py "PROGRAM ARG..." [EXPECTED TYPED]...
import io
import sys

import pexpect

printed = io.StringIO()
program = pexpect.spawn(sys.argv[1], encoding="utf-8", timeout=20, maxread=65536)
program.logfile_read = printed
program.delaybeforesend = None
dialogue = [word.encode().decode("unicode_escape") for word in sys.argv[2:]]


def type(text):
    while text:
        program.send(text[:256])
        text = text[256:]
        program.expect([pexpect.TIMEOUT, pexpect.EOF], timeout=0)  # or neither could print


for expected, typed in zip(dialogue[::2], dialogue[1::2]):
    try:
        program.expect_exact(expected)
    except pexpect.ExceptionPexpect:
        sys.exit("no %r in %r" % (expected, printed.getvalue()))
    program.waitnoecho()  # it has made the terminal raw
    type(typed)
program.expect(pexpect.EOF)
program.close()
print(printed.getvalue().replace("\r", "\n"))
sys.exit(program.exitstatus if program.signalstatus is None else 1)
