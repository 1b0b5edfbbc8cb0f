# SPDX-License-Identifier: BSD-2-Clause
# Completion of totpctl(8) and totp-enroll(1) for bash.
#
# Nothing is listed here: subcommands, options and their arguments are read from the programs'
# own --help, whose lines begin with two blanks and a subcommand or an option.

# The help of a program, or of its subcommand.
_totp_help() {
	PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -- "$@" --help 2>/dev/null </dev/null
}

# Options of a help on standard input, one on each line: its name, a blank, its argument or nothing.
_totp_options() {
	local line rest
	while IFS= read -r line; do
		[[ $line == '  --'* ]] || continue
		rest=$line
		while [[ $rest =~ (--[a-z][a-z-]*)(\ (\[?[A-Z]+\]?|-)($|[\ ,]))?(.*) ]]; do
			printf '%s %s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]}"
			rest=${BASH_REMATCH[5]}
		done
	done
}

# Words that complete the current one, for the argument of an option or a subcommand.
_totp_take() { # _totp_take WHAT OPTION HELP
	local choices line
	case $2 in
	--service) mapfile -t COMPREPLY < <(cd /etc/pam.d 2>/dev/null && compgen -f -- "$cur"); return ;;
	--user) mapfile -t COMPREPLY < <(compgen -u -- "$cur"); return ;;
	esac
	case $1 in
	KIND)
		# "what it is: this, that or another (this)"
		line=$(grep -- "^  $2 " <<<"$3")
		choices=${line#*: }
		choices=${choices%(*}
		mapfile -t COMPREPLY < <(compgen -W "${choices//,/ }" -- "$cur")
		mapfile -t COMPREPLY < <(printf '%s\n' "${COMPREPLY[@]}" | grep -vx or)
		;;
	USER*) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
	FILE* | PATH* | STATE*)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	DIRECTORY*)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		;;
	esac
}

# What an option takes: nothing, or a word such as FILE.
_totp_option_takes() { # _totp_option_takes OPTIONS NAME
	local option what
	while read -r option what; do
		[[ $option == "$2" ]] && printf '%s' "${what//[\[\]]/}" && return
	done <<<"$1"
}

_totp() {
	local program=$1 cur=$2 main help options usage what word about= i
	local -a command=() given=() takes=()

	COMPREPLY=()
	main=$(_totp_help "$program") || return
	help=$main options=$(_totp_options <<<"$main")
	# of a program that does something without a subcommand, the options of that
	if [[ $main =~ $'\n'"Without a subcommand: "([a-z]+) ]]; then
		options+=$'\n'$(_totp_help "$program" "${BASH_REMATCH[1]}" | _totp_options)
	fi
	# --option=value is three words to bash
	if [[ $cur == = ]]; then cur=; fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		[[ $word == = ]] && continue
		if [[ $word == --* ]]; then
			what=$(_totp_option_takes "$options" "$word")
			[[ $what ]] || continue
			[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
			if ((++i >= COMP_CWORD)); then
				_totp_take "$what" "$word" "$help"
				return
			fi
		elif [[ $word == help && -z $about && ${#command[@]} == 0 ]]; then
			about=help
		elif [[ ${#given[@]} == 0 && ( ${#command[@]} == 0 || $usage == *' SUBCOMMAND' ) ]]; then
			command+=("$word")
			help=$(_totp_help "$program" "${command[@]}") || return
			# a family with options for all its subcommands has none of the program's
			[[ $help != *$'\nOptions:'* ]] || main=$help
			options=$(_totp_options <<<"$help")$'\n'$(_totp_options <<<"$main")
			usage=${help%%$'\n'*}
		else
			given+=("$word")
		fi
	done

	if [[ $cur == -?* || ( $cur == - ) ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(cut -d ' ' -f 1 <<<"$options" | sort -u)" -- "$cur")
		return
	fi
	if [[ ${#command[@]} == 0 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(sed -n '/^Options:/q; s/^  \([a-z][a-z-]*\).*/\1/p' <<<"$main")" -- "$cur")
		return
	fi
	if [[ $usage == *' SUBCOMMAND' && ${#given[@]} == 0 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(sed -n "s/^  \(${command[*]} \)\?\([a-z][a-z-]*\).*/\2/p" <<<"$help")" -- "$cur")
		return
	fi
	[[ -z $about ]] || return
	# the words of its usage, of which the last may be repeated
	read -ra takes <<<"${usage##*" ${command[-1]}"}"
	((${#takes[@]})) || return
	i=${#given[@]}
	if ((i >= ${#takes[@]})); then
		[[ ${takes[-1]} == *...* ]] || return
		i=$((${#takes[@]} - 1))
	fi
	_totp_take "${takes[i]//[\[\]]/}" "" "$help"
}

complete -F _totp totpctl totp-enroll
