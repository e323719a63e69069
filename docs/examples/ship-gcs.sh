#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copies a snapshot, and what was converted from it, to Google Cloud Storage:
#
#	kflight record ... --exec '/usr/local/lib/kflight/ship-gcs.sh gs://incidents/kflight'
#
# as gs://incidents/kflight/HOST/YYYYMMDD/NAME, with gsutil. Credentials: the instance's service account, or GOOGLE_APPLICATION_CREDENTIALS
# of the recorder.
set -eu

day=${KFLIGHT_NAME#kflight-}
to=${1%/}/$KFLIGHT_HOST/${day%%T*}

for file in "$KFLIGHT_PATH" "${KFLIGHT_GO:-}" "${KFLIGHT_HTML:-}" "${KFLIGHT_PERFETTO:-}"; do
	[ -n "$file" ] || continue
	gsutil -q -h "x-goog-meta-trigger:$KFLIGHT_TRIGGER" -h "x-goog-meta-trace-id:${KFLIGHT_TRACE_ID:-none}" \
		cp "$file" "$to/${file##*/}"
done
