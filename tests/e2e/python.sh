# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# python.sh - Python for tests that let other programs read what kflight wrote; sourced after lib.sh.
# shellcheck disable=SC2154 # lib.sh has them

# need_module MODULE PACKAGE: a Python that has it, in $python. Debian's packages are seen by Debian's own Python only.
need_module() {
	for python in python3 /usr/bin/python3; do
		"$python" -c "import $1" 2>/dev/null && return
	done
	skip "no Python with '$1': install $2 (scripts/setup test)"
}

# need_venv REQUIREMENT...: a Python with these from PyPI in $python. What was installed once stays in build/e2e.
need_venv() {
	local venv=$root/build/e2e/venv mark

	mark=$venv/installed-$(printf '%s-' "$@" | tr -c 'A-Za-z0-9.\n' -)
	python=$venv/bin/python
	[ ! -e "$mark" ] || return 0
	need_command python3
	mkdir -p "$(dirname "$venv")"
	[ -x "$python" ] || python3 -m venv "$venv" >"$tmp/venv" 2>&1 ||
		skip "no Python environment (scripts/setup test): $(tail -1 "$tmp/venv")"
	"$python" -m pip install -q --disable-pip-version-check "$@" >"$tmp/venv" 2>&1 ||
		skip "pip cannot install $*: $(tail -1 "$tmp/venv")"
	touch "$mark"
}
