# Makes units for a user's own systemd from those for the host's.
/^CapabilityBoundingSet=/d
/^# systemd ignores this link/d
/^Environment=SHIPMI_SANDBOX/d
/^# A program that may connect/,/^# another/d
/^SocketGroup=/d
s|multi-user\.target|default.target|
s|bin/shipmi restore-power|bin/shipmi --user restore-power|
s|/etc/shipmi/credentials|%E/shipmi/credentials|
/^Environment=SHIPMI_NAME/a # Before those of the host, for what a provider includes.
/^Environment=SHIPMI_NAME/a Environment=SHIPMI_PROVIDERS=%E/shipmi/providers
/^# The user exists while/,/^DynamicUser=/d
s|^RuntimeDirectory=shipmi-gateway$|RuntimeDirectory=private/shipmi-gateway|
s|/etc/shipmi/tls|%E/shipmi/tls|
/^# All that the process does/,$d
