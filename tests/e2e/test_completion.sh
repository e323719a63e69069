#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The completion for bash offers what the help lists.
. "$(dirname "$0")/lib.sh"
. scripts/completion.bash

# complete_words WORD...: what is offered for the last one.
complete_words() {
	COMP_WORDS=("$kflight" "$@") COMP_CWORD=$#
	_kflight "$kflight" 2>/dev/null # compopt works only while bash completes
	echo "${COMPREPLY[*]}"
}

expect 'verbs' 'record report' "$(complete_words re)"
expect 'the verb of the help' 'help' "$(complete_words hel)"
expect 'options' '--cooldown' "$(complete_words record --coo)"
expect 'options of another verb' '--html' "$(complete_words report --ht)"
expect 'actions' 'check' "$(complete_words config ch)"
expect 'no such option' '' "$(complete_words record --xyz)"
[ "$(complete_words record -- | wc -w)" -gt 10 ] || fail "few options: $(complete_words record --)"
