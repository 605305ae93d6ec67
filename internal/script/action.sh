# Runs one action of a provider to its end, even if the process that started it is gone by then.
#
#   sh -c "$(cat action.sh)" SHELL VERB STATUS ON OFF SCRIPT GET BEFORE PATIENCE
#
# SHELL, which is $0 in here, runs the scripts.
# VERB is in the form of SHIPMI_VERB (power-on) and SCRIPT is what the provider has for it. GET tells the boot device
# that must be remembered, and BEFORE sets a remembered one again: see former.go. For media-insert, GET tells what is in the
# drive. PATIENCE is for how many seconds power-on waits for a guest that was asked to shut down. A missing script is empty.
# Descriptor 3 is the action file, and its lock lasts as long as this process and the script that it runs. Into it go
# "action: pid N" before anything runs, and "action: exit N" when the outcome is certain.
# shellcheck shell=sh

set -uf
verb=$1 status=$2 on=$3 off=$4 script=$5 get=$6 before=$7 patience=$8
former=$SHIPMI_STATE_DIRECTORY/boot-former

# run VERB SCRIPT: without descriptor 3, so that a guest left in the background does not hold the lock. The subshell
# does: should this process be killed, no other action begins before the script has ended.
run() (
	SHIPMI_VERB=$1 "$0" -c "$2" 3>&-
	exit $?
)

# ask VERB SCRIPT: puts the words that the script prints into $answer, and after them "exit STATUS". Its output is
# read up to the line that tells its exit status, not to its end, which a process in the background may keep away.
ask() {
	# shellcheck disable=SC2046 # split, to lose the white space around the words
	set -- $({ run "$1" "$2"; printf '\nexit %d\n' $?; } | sed '/^exit [0-9]*$/q' | head -c 4096)
	answer=$*
}

# says WORD: whether the status script succeeds and prints WORD and nothing else.
says() {
	ask power-status "$status"
	[ "$answer" = "$1 exit 0" ]
}

# settle WORD VERB SCRIPT: a script that fails is taken as done if the status is WORD.
settle() {
	run "$2" "$3"
	code=$?
	if [ $code -ne 0 ] && says "$1"; then
		echo "exit status $code, but the status is $1: taken as done" >&2
		code=0
	fi
	return $code
}

# remember: keeps what the machine boots from now, with the mode that is being set with the device for one boot.
remember() {
	[ -n "$get" ] || return 0
	ask boot-get "$get"
	device=${answer% exit 0}
	case $device in
	none | network | pxe | hd | disk | optical | cdrom | floppy | safe | diag | bios)
		echo "$device $SHIPMI_BOOT_EFI" >"$former.new" && mv "$former.new" "$former"
		;;
	*)
		printf 'the boot device will not be set back after the next boot, unknown: %.200s\n' "$answer" >&2
		;;
	esac
}

# restore: sets the former boot device again.
restore() {
	[ -n "$before" ] || return 0
	run boot-set "$before" || echo "exit status $?: the former boot device is not set again before this start" >&2
}

# set_boot: a device that could not be set leaves nothing to be remembered. A device for one boot is not set if the former
# one cannot be remembered: it would stay for ever.
set_boot() {
	remember || [ "$SHIPMI_BOOT_PERSISTENT" = 1 ] || return
	run "$verb" "$script"
	code=$?
	if [ $code -ne 0 ] && [ -n "$get" ]; then
		rm -f "$former"
	fi
	return $code
}

# await_off: waits for a guest that is shutting down. A script for "on" would fail, or do nothing, while it still runs.
await_off() {
	[ "$patience" -gt 0 ] || return 0
	limit=$(($(date +%s) + patience))
	until says off; do
		if [ "$(date +%s)" -ge "$limit" ]; then
			echo "the machine is not off $patience s after the guest was to be shut down" >&2
			return
		fi
		sleep 1 3>&-
	done
}

# insert: an image that is in the drive already is left there, and another one must be ejected first. The answer of GET is a
# URL, or the last part of its path.
insert() {
	[ -n "$get" ] || { run "$verb" "$script"; return; }
	ask media-get "$get"
	path=${SHIPMI_MEDIA_URL%%\?*}
	case ${answer% exit 0} in
	'exit 0')
		run "$verb" "$script"
		;;
	"$SHIPMI_MEDIA_URL" | "${path##*/}")
		;;
	"$answer")
		echo 'the image is not inserted: it is not known what is in the drive' >&2
		return 1
		;;
	*)
		echo 'the image is not inserted: another one is in the drive' >&2
		return 65
		;;
	esac
}

# respond: what the script of an IPMI command prints is the response, which has less than 2048 characters.
respond() {
	ask "$verb" "$script"
	said=$(printf '%s' "${answer%exit *}" | tr -cd '[:alnum:]=')
	case $answer in
	'exit '* | *' exit '*) code=${answer##*exit } ;;
	*) said=toolong code=0 ;;
	esac
	[ ${#said} -lt 2048 ] || said=toolong
	echo "action: said $said" >&3
	return "$code"
}

act() {
	case $verb in
	power-on)
		await_off
		restore
		settle on "$verb" "$script"
		;;
	power-off | power-shutdown)
		settle off "$verb" "$script"
		;;
	power-reset)
		if says off; then return 65; fi
		restore
		run "$verb" "$script"
		;;
	power-cycle)
		restore
		if says off; then
			settle on power-on "$on"
		elif [ -n "$script" ]; then
			run "$verb" "$script"
		else
			settle off power-off "$off" || return
			until says off; do sleep 1 3>&-; done
			settle on power-on "$on"
		fi
		;;
	boot-set)
		set_boot
		;;
	media-insert)
		insert
		;;
	command-*)
		respond
		;;
	*)
		run "$verb" "$script"
		;;
	esac
}

echo "action: pid $$" >&3 || exit
act
code=$?
[ -z "${SHIPMI_MEDIA_CREDENTIALS-}" ] || rm -f "$SHIPMI_MEDIA_CREDENTIALS"
echo "action: exit $code" >&3
