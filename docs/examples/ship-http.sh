#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Uploads a snapshot, and what was converted from it, with HTTP PUT:
#
#	kflight record ... --exec '/usr/local/lib/kflight/ship-http.sh https://store.example/kflight'
#
# as .../kflight/HOST/NAME. A second argument is a file of options for curl, readable by root only, where a password belongs that must not
# show up in `ps`:
#
#	header = "Authorization: Bearer ..."
#
# Fewer than the 60 s that --exec-timeout gives: so it is curl that says what went wrong.
set -eu

for file in "$KFLIGHT_PATH" "${KFLIGHT_GO:-}" "${KFLIGHT_HTML:-}" "${KFLIGHT_PERFETTO:-}"; do
	[ -n "$file" ] || continue
	curl --fail --silent --show-error --retry 3 --max-time 50 --config "${2:-/dev/null}" \
		--header "X-Kflight-Trigger: $KFLIGHT_TRIGGER" --header "X-Kflight-Trace-Id: ${KFLIGHT_TRACE_ID:-none}" \
		--upload-file "$file" "${1%/}/$KFLIGHT_HOST/${file##*/}"
done
