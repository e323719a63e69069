# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# lib.sh - what the scripts share; sourced, never run.

# The folder above scripts/.
# shellcheck disable=SC2034 # for those who source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

# die MESSAGE [HINT] [STATUS]
die() {
	say "error: $1"
	if [ -n "${2:-}" ]; then
		say "hint: $2"
	fi
	exit "${3:-2}"
}

has() {
	command -v "$1" >/dev/null 2>&1
}

# A C header that the compiler finds: works for every distribution and for what was installed by hand.
has_header() {
	printf '#include <%s>\n' "$1" | cc -D_GNU_SOURCE -include stdio.h -E -x c - >/dev/null 2>&1
}

# Ubuntu's /usr/sbin/bpftool is a wrapper that refuses every kernel but its own; the real ones lie beside it.
find_bpftool() {
	local tool

	for tool in "${BPFTOOL:-}" /usr/sbin/bpftool /sbin/bpftool "$(command -v bpftool)" \
		/usr/lib/linux-tools/*/bpftool /usr/lib/linux-tools-*/bpftool; do
		if [ -x "$tool" ] && "$tool" version >/dev/null 2>&1; then
			echo "$tool"
			return 0
		fi
	done
	return 1
}

# Prints the path of a Go that is at least 1.22: from GO, PATH or where distributions and go.dev's archive put it.
find_go() {
	local go version

	for go in "${GO:-}" "$(command -v go)" /usr/local/go/bin/go $(printf '%s\n' /usr/lib/go-*/bin/go | sort -rV); do
		[ -x "$go" ] || continue
		version=$(GOTOOLCHAIN=local "$go" env GOVERSION 2>/dev/null)
		version=${version#go1.}
		version=${version%%[!0-9]*}
		if [ "${version:-0}" -ge 22 ]; then
			echo "$go"
			return 0
		fi
	done
	return 1
}
