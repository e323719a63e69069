#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Settings from a file and from the environment: checked without root, shown with where they are from, and recorded with.
. "$(dirname "$0")/lib.sh"

conf=$tmp/kflight.conf

# refused WHAT REGEX COMMAND...: exit status 2, and this on standard error.
refused() {
	local what=$1 regex=$2 status

	shift 2
	"$@" >"$tmp/refused.out" 2>"$tmp/refused.err"
	status=$?
	expect "$what: status" 2 $status
	expect_match "$what" "$regex" "$tmp/refused.err"
}

# value NAME: as `config show` prints it, with where it is from.
value() {
	"$kflight" config show "$conf" | sed -nE "s/^$1 +(.*[^ ]) +([^ ]+)\$/\1 \2/p" | tr -s ' '
}

cat >"$conf" <<-END
	# a comment
	[record]
	output = $tmp/from-file
	window = 2s,4mb
	socket = none
	cooldown = 30s
	comm = victim
	 hog*
	[trigger slow-victim]
	when = runq>5ms
	  {comm=victim}
END
chmod 600 "$conf"

"$kflight" config check "$conf" >"$tmp/check" || fail "check of a good file: $(cat "$tmp/check")"
expect 'lists' "victim, hog* $conf:7" "$(value comm)"
expect 'the trigger' "runq>5ms {comm=victim} $conf:9" "$(value '\[slow-victim\]')"
expect 'default' '- default' "$(value causes)"
expect 'environment over file' '1m environment' "$(KFLIGHT_COOLDOWN=1m value cooldown)"
expect 'what was not set is not in check' 0 "$(grep -c default "$tmp/check")"

# The example that is installed is right as it is (where there is its group).
sed '/^group/d' scripts/systemd/kflight.conf >"$tmp/example.conf"
"$kflight" config check "$tmp/example.conf" >"$tmp/check" || fail 'the example of the config file is wrong'

# The same file under sudo's caller, a stranger, and everybody's pen.
if [ "$(id -u)" = 0 ]; then
	chown 12345 "$conf"
	refused "a stranger's file" 'belongs to uid 12345' "$kflight" config check "$conf"
	SUDO_UID=12345 "$kflight" config check "$conf" >/dev/null || fail "the file of sudo's caller was refused"
	chown 0 "$conf"
fi
chmod 666 "$conf"
refused "everybody's file" 'can be written by others \(mode 0666\)' "$kflight" config check "$conf"
refused 'record with it' 'can be written by others' "$kflight" record --config "$conf"
chmod 600 "$conf"

# What is wrong is named with its line, whoever finds it.
bad() {
	printf '[record]\nsocket = none\n%s\n' "$1" >"$tmp/bad.conf"
	refused "$1" "'$tmp/bad.conf', line 3: $2" "$kflight" config check "$tmp/bad.conf"
}
bad 'trigger = rnq>5ms' ".*did you mean 'runq'"
bad 'windw = 5s' "unknown key 'windw': did you mean 'window'"
bad 'window = 5' "bad --window '5'"
bad 'cooldown = soon' "cooldown: bad duration 'soon'"
bad 'syscalls = some' "bad --syscalls 'some'"
bad 'limit = 5/x' ".*limit"
bad 'keep = 5,5' ".*keep"
bad 'min-free = 200%' ".*min-free"
bad 'budget = x' ".*budget"
bad 'convert = pdf' ".*convert"
bad 'exec = /there/is/none {}' ".*/there/is/none"
bad 'log = xml' ".*log"
bad 'metrics = x:y' ".*address"
bad 'group = there-is-no-such-group' ".*group"
bad 'comm =' "'comm' has no value"
bad '[trigger x]' "trigger 'x' of line 3 has no 'when'"
bad "output = $(printf 'x%.0s' {1..300})" '.*bytes, a line holds'
refused 'a variable misspelt' "KFLIGHT_TRIGER: .*'--trigger'" env KFLIGHT_TRIGER='runq>1ms' "$kflight" config check "$conf"
refused 'no file' "cannot read config '$tmp/none'" "$kflight" config check "$tmp/none"
refused 'an action misspelt' "did you mean 'check'" "$kflight" config chek "$conf"

need_bpf
# Command line over environment over file: the folder says who won.
for folder in from-file from-env from-line; do
	environment=() line=()
	[ $folder = from-file ] || environment=(KFLIGHT_OUTPUT="$tmp/from-env")
	[ $folder != from-line ] || line=(-o "$tmp/from-line")
	env "${environment[@]}" "$kflight" record --config "$conf" "${line[@]}" --duration 300ms \
		>"$tmp/rec.out" 2>"$tmp/rec.err" || fail "record: $(cat "$tmp/rec.err")"
	expect_match "$folder: the trigger of the file" 'runq>5ms' "$tmp/rec.err"
	[ -d "$tmp/$folder" ] || fail "no folder '$folder': $(ls "$tmp")"
done
KFLIGHT_CONFIG=$conf KFLIGHT_TRIGGER='futex>3s' "$kflight" record --duration 300ms >"$tmp/rec.out" 2>"$tmp/rec.err" ||
	fail "record by KFLIGHT_CONFIG: $(cat "$tmp/rec.err")"
expect_match 'the list of the environment' 'futex>3s' "$tmp/rec.err"
expect 'takes the place of the triggers of the file' 0 "$(grep -c 'runq>5ms' "$tmp/rec.err")"
