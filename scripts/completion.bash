# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# completion.bash - completion for bash. Verbs and options are asked of kflight itself (--help), so they cannot be outdated.

# _kflight_words COMMAND...: options, or verbs, that its help lists.
_kflight_words() {
	"$@" --help 2>/dev/null | sed -nE 's/^  (-., |    )(--[a-z-]+).*/\2/p; s/^  ([a-z]+)  .*/\1/p'
}

_kflight() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]} words

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		words="$(_kflight_words "$1") help"
	elif [ "$verb" = help ]; then
		words=$(_kflight_words "$1")
	elif [ "$verb" = config ] && [ "$COMP_CWORD" = 2 ]; then
		words='check show'
	elif [[ $word == -* ]]; then
		words=$(_kflight_words "$1" "$verb")
	else
		case $before in
		--cgroup) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- "${word:-/sys/fs/cgroup/}") ;;
		-p | --pid) words=$(ps -eo pid= 2>/dev/null) ;;
		*) compopt -o filenames -o default && return ;;
		esac
	fi
	[ -z "$words" ] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _kflight kflight
