# Sends one datagram to the BMC and prints the one that comes back: bash datagram.sh HEX...
bytes=$(printf %s "$@")
exec {bmc}<>/dev/udp/192.0.2.10/623
printf "${bytes//??/\\x&}" >&"$bmc"
timeout 1 dd bs=512 count=1 status=none <&"$bmc" | od -An -v -w512 -tx1 | tr -d ' '
