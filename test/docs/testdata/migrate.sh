# Two BMCs of the Python ShIPMI, one of which listens.
mkdir -p /root/.shipmi/providers
cat >/root/.shipmi/providers/lab.conf <<'END'
[POWER]
status=cat /tmp/lab.%(name)s 2>/dev/null || echo on
on=echo on >/tmp/lab.%(name)s
off=echo off >/tmp/lab.%(name)s
END
for n in 0 1; do
	mkdir "/root/.shipmi/node-$n"
	cat >"/root/.shipmi/node-$n/config" <<END
[VirtualBMC]
username = admin
password = correct
port = 623$n
address = 127.0.0.1
name = node-$n
provider = lab
active = $([ $n = 0 ] && echo True || echo False)
END
done
