# Makes units for a user's own systemd from those for the host's.
/^CapabilityBoundingSet=/d
/^# systemd ignores this link/d
/^Environment=SHIPMI_SANDBOX/d
s|multi-user\.target|default.target|
s|systemctl --no-block|systemctl --user --no-block|
s|/etc/shipmi/credentials|%E/shipmi/credentials|
/^Environment=SHIPMI_NAME/a # Before those of the host, for what a provider includes.
/^Environment=SHIPMI_NAME/a Environment=SHIPMI_PROVIDERS=%E/shipmi/providers
