#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The examples of docs/shipping.md: curl against a real server, aws too where it is installed; rclone and gsutil by stand-ins that tell
# what they were asked.
. "$(dirname "$0")/lib.sh"
need_command python3
need_command curl

name='kflight-20261121T081502Z-slow-web-nginx-2144.kfl'
cp tests/data/demo.kfl "$tmp/$name"
echo converted >"${tmp:?}/${name%.kfl}.trace"
export KFLIGHT_PATH=$tmp/$name KFLIGHT_NAME=$name KFLIGHT_HOST=web-1 KFLIGHT_TRIGGER=slow-web KFLIGHT_PID=2144
export KFLIGHT_TRACE_ID=4bf92f3577b34da6a3ce929d0e0e4736 KFLIGHT_GO=$tmp/${name%.kfl}.trace
unset KFLIGHT_HTML KFLIGHT_PERFETTO

mkdir "$tmp/store"
start python3 tests/e2e/store.py "$tmp/store" >"$tmp/port"
wait_line 10 '^[0-9]+$' "$tmp/port"
store=http://127.0.0.1:$(cat "$tmp/port")
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1

# stored PREFIX: both files are there, whole.
stored() {
	cmp "$tmp/$name" "$tmp/store/$1/$name" || fail "the snapshot differs"
	cmp "$KFLIGHT_GO" "$tmp/store/$1/${name%.kfl}.trace" || fail "the trace differs"
}

echo "- curl"
docs/examples/ship-http.sh "$store/kflight/" >"$tmp/http.out" 2>&1 || fail "status $?: $(cat "$tmp/http.out")"
stored kflight/web-1
expect_match 'trigger' '^X-Kflight-Trigger: slow-web' "$tmp/store/kflight/web-1/$name.headers"
expect_match 'trace' '^X-Kflight-Trace-Id: 4bf92f3577b34da6a3ce929d0e0e4736' "$tmp/store/kflight/web-1/$name.headers"
echo 'header = "Authorization: Bearer secret"' >"$tmp/curl.conf"
docs/examples/ship-http.sh "$store/with" "$tmp/curl.conf" || fail "with a file of options: $?"
expect_match 'password' '^Authorization: Bearer secret' "$tmp/store/with/web-1/$name.headers"
docs/examples/ship-http.sh "$store/refuse" >"$tmp/refused" 2>&1 && fail "a refusal is no success"
expect_match 'refused' '403' "$tmp/refused"

# stand_in NAME: tells what it was asked, one argument a line.
stand_in() {
	mkdir -p "$tmp/bin"
	printf '#!/bin/sh\nprintf "<%%s>" "$@" >>%s/asked\necho >>%s/asked\n' "$tmp" "$tmp" >"$tmp/bin/$1"
	chmod 700 "$tmp/bin/$1"
	: >"$tmp/asked"
}

echo "- aws, rclone, gsutil: what they are asked"
stand_in aws
PATH=$tmp/bin:$PATH docs/examples/ship-s3.sh s3://incidents/kflight/ || fail "aws"
expect 'aws' "<s3><cp><--only-show-errors><--metadata><trigger=slow-web,pid=2144,trace-id=$KFLIGHT_TRACE_ID><$tmp/$name><s3://incidents/kflight/web-1/20261121/$name>" "$(head -1 "$tmp/asked")"
expect 'files' 2 "$(wc -l <"$tmp/asked")"
stand_in rclone
PATH=$tmp/bin:$PATH docs/examples/ship-s3.sh r2:incidents || fail "rclone"
expect 'rclone' "<copyto><--retries><3><$KFLIGHT_GO><r2:incidents/web-1/20261121/${name%.kfl}.trace>" "$(tail -1 "$tmp/asked")"
stand_in gsutil
PATH=$tmp/bin:$PATH docs/examples/ship-gcs.sh gs://incidents || fail "gsutil"
expect 'gsutil' "<-q><-h><x-goog-meta-trigger:slow-web><-h><x-goog-meta-trace-id:$KFLIGHT_TRACE_ID><cp><$tmp/$name><gs://incidents/web-1/20261121/$name>" "$(head -1 "$tmp/asked")"
printf '#!/bin/sh\nexit 7\n' >"$tmp/bin/aws"
PATH=$tmp/bin:$PATH docs/examples/ship-s3.sh s3://incidents 2>/dev/null && fail "a client that fails is no success"

if has aws && aws --version >"$tmp/aws" 2>&1; then
	echo "- the real aws: $(cat "$tmp/aws")"
	export AWS_ENDPOINT_URL=$store AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_DEFAULT_REGION=eu-1 HOME=$tmp
	export AWS_REQUEST_CHECKSUM_CALCULATION=when_required AWS_EC2_METADATA_DISABLED=true
	if timeout 60 docs/examples/ship-s3.sh s3://incidents/kflight >"$tmp/aws.out" 2>&1; then
		stored incidents/kflight/web-1/20261121
		expect_match 'metadata' '^x-amz-meta-trigger: slow-web' "$tmp/store/incidents/kflight/web-1/20261121/$name.headers"
	else
		grep -qiE 'could not connect|AWS_ENDPOINT|timed? ?out|does not exist|unable to locate' "$tmp/aws.out" ||
			fail "aws: $(cat "$tmp/aws.out")"
		echo "not tried: $(head -c 300 "$tmp/aws.out")" # an aws too old for AWS_ENDPOINT_URL
	fi
fi

need_bpf
echo "- by a recorder"
unset KFLIGHT_PATH KFLIGHT_NAME KFLIGHT_HOST KFLIGHT_TRIGGER KFLIGHT_PID KFLIGHT_TRACE_ID KFLIGHT_GO
record --window 1s,4mb --exec "$root/docs/examples/ship-http.sh $store/live" --convert html
request
file=$tmp/store/live/$(uname -n)/$(basename "$snapshot")
until_true 60 test -e "${file%.kfl}.html" || fail "not shipped: $(cat "$tmp/rec.err")"
cmp "$snapshot" "$file" || fail "the snapshot differs"
stop_recorder
exit 0
