# Runs one action of a provider to its end, even if the process that started it is gone by then.
#
#   sh -c "$(cat action.sh)" SHELL VERB STATUS ON OFF SCRIPT GET BEFORE AFTER
#
# SHELL, which is $0 in here, runs the scripts.
# VERB is in the form of SHIPMI_VERB (power-on) and SCRIPT is what the provider has for it. GET tells the boot device
# that must be remembered, BEFORE and AFTER set a remembered one again: see oneshot.go. A missing script is empty.
# Descriptor 3 is the action file, and its lock lasts as long as this process and the script that it runs. Into it go
# "action: pid N" before anything runs, and "action: exit N" when the outcome is certain.
# shellcheck shell=sh

set -uf
verb=$1 status=$2 on=$3 off=$4 script=$5 get=$6 before=$7 after=$8
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

# restore SCRIPT: sets the remembered boot device again and forgets it. Where that fails, the next start tries again.
restore() {
	[ -n "$1" ] || return 0
	if run boot-set "$1"; then
		rm -f "$former"
	else
		echo "exit status $?: the former boot device will be set again at the next start" >&2
	fi
}

# set_boot: a device for all boots leaves nothing to be remembered, and neither does one that could not be set.
set_boot() {
	remember || return
	if run "$verb" "$script"; then
		[ "$SHIPMI_BOOT_PERSISTENT" = 0 ] || rm -f "$former"
	else
		code=$?
		[ -z "$get" ] || rm -f "$former"
		return $code
	fi
}

act() {
	case $verb in
	power-on)
		restore "$before"
		settle on "$verb" "$script"
		;;
	power-off | power-shutdown)
		settle off "$verb" "$script"
		;;
	power-reset)
		if says off; then return 65; fi
		restore "$before"
		run "$verb" "$script"
		;;
	power-cycle)
		restore "$before"
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
	*)
		run "$verb" "$script"
		;;
	esac
}

echo "action: pid $$" >&3 || exit
act
code=$?
echo "action: exit $code" >&3
[ $code -ne 0 ] || restore "$after"
