#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copies a snapshot, and what was converted from it, to S3 or what speaks its protocol:
#
#	kflight record ... --exec '/usr/local/lib/kflight/ship-s3.sh s3://incidents/kflight'
#
# as s3://incidents/kflight/HOST/YYYYMMDD/NAME. Uses `aws`, or `rclone` where the destination is not s3:// ("remote:bucket/kflight").
# Credentials as these programs find them: an instance's role, AWS_* and RCLONE_* of the recorder, files in HOME.
set -eu

day=${KFLIGHT_NAME#kflight-}
to=${1%/}/$KFLIGHT_HOST/${day%%T*}

copy() {
	case $to in
	s3://*) aws s3 cp --only-show-errors --metadata "$about" "$1" "$to/${1##*/}" ;;
	*) rclone copyto --retries 3 "$1" "$to/${1##*/}" ;;
	esac
}

about=trigger=$KFLIGHT_TRIGGER,pid=${KFLIGHT_PID:-0},trace-id=${KFLIGHT_TRACE_ID:-none}
for file in "$KFLIGHT_PATH" "${KFLIGHT_GO:-}" "${KFLIGHT_HTML:-}" "${KFLIGHT_PERFETTO:-}"; do
	[ -z "$file" ] || copy "$file"
done
