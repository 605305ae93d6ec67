# Runs one action of a provider to its end, even if the process that started it is gone by then.
#
#   sh -c "$(cat action.sh)" action VERB STATUS ON OFF SCRIPT
#
# VERB is in the form of SHIPMI_VERB (power-on) and SCRIPT is what the provider has for it; a missing script is empty.
# Descriptor 3 is the action file, and its lock lasts as long as this process. Into it go "action: pid N" before
# anything runs, and "action: exit N" at the end.
# shellcheck shell=sh

set -uf
verb=$1 status=$2 on=$3 off=$4 script=$5

# run VERB SCRIPT: without descriptor 3, so that a guest left in the background does not hold the lock.
run() {
	SHIPMI_VERB=$1 sh -c "$2" 3>&-
}

# says WORD: whether the status script succeeds and prints WORD and nothing else. It is read up to the line that
# follows it, not to its end, which a process in the background may keep away.
says() {
	word=$1
	# shellcheck disable=SC2046 # split, to lose the white space around the word
	set -- $({ run power-status "$status"; printf '\nexit %d\n' $?; } | sed '/^exit [0-9]*$/q' | head -c 4096)
	[ "$*" = "$word exit 0" ]
}

# settle WORD VERB SCRIPT: a script that fails has done its work all the same if the status is WORD.
settle() {
	run "$2" "$3"
	code=$?
	if [ $code -ne 0 ] && says "$1"; then
		echo "exit status $code, but the status is $1: taken as done" >&2
		code=0
	fi
	return $code
}

act() {
	case $verb in
	power-on)
		settle on "$verb" "$script"
		;;
	power-off | power-shutdown)
		settle off "$verb" "$script"
		;;
	power-reset)
		if says off; then return 65; fi
		run "$verb" "$script"
		;;
	power-cycle)
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
	*)
		run "$verb" "$script"
		;;
	esac
}

echo "action: pid $$" >&3 || exit
act
echo "action: exit $?" >&3
