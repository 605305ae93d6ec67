# Makes units for a user's own systemd from those for the host's.
/^CapabilityBoundingSet=/d
s|multi-user\.target|default.target|
s|systemctl --no-block|systemctl --user --no-block|
s|/etc/shipmi/credentials|%E/shipmi/credentials|
