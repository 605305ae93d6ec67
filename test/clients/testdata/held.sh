# Runs a command while ipmitool has the console open, then prints what ipmitool printed: held.sh COMMAND [ARG...]
mkfifo typed
: >held
ipmitool -I lanplus -H 192.0.2.10 -U admin -P password sol activate <typed >>held 2>&1 &
exec 3>typed
until grep -q operational held; do sleep 0.1; done
"$@"
status=$?
printf '\r~.' >&3
exec 3>&-
wait
cat held
rm typed held
exit $status
