# SPDX-License-Identifier: BSD-2-Clause
"""Completions for bash and zsh, in real shells: they offer what the programs accept."""
import glob
import json
import os
import re
import time

import pexpect
import pytest

from host import DIR, HERE, Terminal, run, wait_for
from test_totpd import as_user

TOP = os.path.dirname(os.path.dirname(HERE))
COMPLETIONS = f"{TOP}/conf/completions"
ZSH = next(glob.iglob(f"{TOP}/build/root/**/bin/zsh", recursive=True))  # Debian 12: not in usr

# what bash calls when the key is pressed: words, the last of which is to be completed
BASH = """
source {completions}/totpctl.bash
while IFS= read -r line; do
	IFS=$'\\t' read -ra COMP_WORDS <<<"$line"
	[[ $line != *$'\\t' ]] || COMP_WORDS+=("")
	COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMPREPLY=()
	_totp "${{COMP_WORDS[0]}}" "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
	(IFS=$'\\t'; echo "${{COMPREPLY[*]}}")
done
"""

ZSHRC = """
PATH=/usr/sbin:/usr/bin:/sbin:/bin
fpath=({completions} $fpath)
LISTMAX=10000
autoload -Uz compinit && compinit -u -D
compadd() {{
	local -a found
	builtin compadd -O found "$@"
	print -rl -- $found >>{told}
	builtin compadd "$@"
}}
tell() {{ zle complete-word; print -r END >>{told}; zle kill-whole-line }}
zle -N tell
bindkey '^T' tell
PS1='READY '
"""


class Bash:
    def ask(self, *lines):
        """The completions of each line, whose last word is being typed."""
        script = BASH.format(completions=COMPLETIONS)
        done = run("bash", "-c", script, given="".join(line.replace(" ", "\t") + "\n"
                                                       for line in lines), cwd="/")
        return [sorted(set(answer.split("\t")) - {""}) for answer in done.split("\n")[:-1]]

    def close(self):
        pass


class Zsh:
    def __init__(self):
        home = f"{DIR}/zsh.{time.monotonic_ns()}"
        os.mkdir(home)
        self.told = f"{home}/told"
        with open(f"{home}/.zshrc", "w") as file:
            file.write(ZSHRC.format(completions=COMPLETIONS, told=self.told))
        self.shell = Terminal(ZSH, ["-i"], cwd="/", env={"ZDOTDIR": home, "HOME": home,
                                                         "TERM": "xterm", "PATH": os.environ["PATH"]})
        self.shell.expect_exact("READY")

    def ask_one(self, line):
        open(self.told, "w").close()
        self.shell.send(line + "\x14")

        def answer():
            try:  # it stops when its output is not read
                self.shell.read_nonblocking(65536, 0)
            except pexpect.TIMEOUT:
                pass
            found = open(self.told).read().splitlines()
            return found if "END" in found else None
        found = wait_for(answer)
        assert found, f"no answer to {line!r}"
        return sorted(set(found) - {"END", ""})

    def ask(self, *lines):
        return [self.ask_one(line) for line in lines]

    def close(self):
        self.shell.close(force=True)


@pytest.fixture(params=[Bash, Zsh], ids=["bash", "zsh"])
def shell(request, host):
    shell = request.param()
    yield shell
    shell.close()


def help_of(*words):
    return run(*words, "--help")


def subcommands(program="totpctl", *family):
    """Every subcommand, as words; for a group of subcommands its members instead."""
    before = "".join(f"{word} " for word in family)
    listed = help_of(program, *family).split("\nOptions:")[0]
    for name in re.findall(rf"^  (?:{before})?([a-z][a-z-]*)", listed, re.M):
        if " SUBCOMMAND\n" in help_of(program, *family, name):
            yield from subcommands(program, *family, name)
        else:
            yield *family, name


def listed_options(program, words):
    """Options that the help of a subcommand lists, and what each takes, or ""."""
    return dict(option for line in re.findall(r"^  --.*", help_of(program, *words), re.M)
                for option in re.findall(r"(--[a-z-]+) ?([A-Z]+|-(?= |$)|\[)?", line.split("   ")[0])
                if line.startswith("  --"))


def common_options(program, words):
    """Options of all subcommands, or of those of a family that lists its own."""
    while words and "\nOptions:" not in help_of(program, *words):
        words = words[:-1]
    return set(listed_options(program, words))


def refused(commands):
    """Which of these have an option that the program does not know? They run as a user who may
    do nothing else with the programs, one after the other in one process, which is quicker."""
    script = ("import json, subprocess, sys\n"
              "for words in json.load(sys.stdin):\n"
              "    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)\n"
              "    print('there is no option' in done.stderr)")
    said = as_user("daemon", "/usr/bin/python3", "-c", script, given=json.dumps(commands)).split()
    assert len(said) == len(commands)
    return [answer == "True" for answer in said]


PROGRAMS = {"totpctl": "/usr/sbin/totpctl", "totp-enroll": "/usr/bin/totp-enroll"}


# ---- every offer exists


def test_every_subcommand_is_offered_and_no_other(shell):
    all_of_them = list(subcommands())
    first = sorted({words[0] for words in all_of_them})
    families = sorted({words[:n] for words in all_of_them for n in range(1, len(words))})
    assert len(first) > 20 and ("key",) in families and ("fleet", "cert") in families
    found = shell.ask("totpctl ", *(f"totpctl {' '.join(family)} " for family in families))
    assert found[0] == first
    assert found[1:] == [sorted({words[len(family)] for words in all_of_them
                                 if words[:len(family)] == family}) for family in families]
    assert shell.ask("totp-enroll ")[0] == sorted(name for name, in subcommands("totp-enroll"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_subcommand_accepts_every_option_that_it_lists_and_no_other(host, program):
    listed = {words: listed_options(program, words) for words in subcommands(program)}
    everywhere = listed_options(program, ())
    options = {option: value for own in listed.values() for option, value in own.items()}
    assert len(options) > 15
    for words, own in listed.items():
        no = refused([[PROGRAMS[program], *words, option if value in ("", "[") else f"{option}=1"]
                      for option, value in options.items()])
        taken = {option for option, unknown in zip(options, no) if not unknown}
        assert taken - set(everywhere) == set(own), words


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_options_of_a_subcommand_are_offered_and_no_other(shell, program):
    assert common_options(program, ()) >= {"--conf", "--help", "--version"}
    all_of_them = list(subcommands(program))
    offered = shell.ask(*(f"{program} {' '.join(words)} --" for words in all_of_them))
    for words, found in zip(all_of_them, offered):
        own = set(listed_options(program, words))
        assert set(found) == own | common_options(program, words[:-1]), words


def test_without_a_subcommand_the_options_of_the_usual_one_are_offered(shell):
    assert set(shell.ask("totp-enroll --")[0]) == \
        set(listed_options("totp-enroll", ())) | set(listed_options("totp-enroll", ("enroll",)))


def test_after_help_subcommands_are_completed_and_nothing_more(shell):
    asked = {
        "totpctl help unl": ["unlock"],
        "totpctl help key b": ["backup"],
        "totpctl help fleet cert v": ["verifier"],
        "totpctl help unlock ali": [],
        "totpctl help show ": [],
        "totp-enroll help rec": ["recovery"],
    }
    assert dict(zip(asked, shell.ask(*asked))) == asked
    assert shell.ask("totpctl help ") == shell.ask("totpctl ")


# ---- and arguments


def test_users_files_directories_and_services_are_completed(shell):
    directory = f"{DIR}/completed"
    os.makedirs(f"{directory}/sub", exist_ok=True)
    open(f"{directory}/subject", "w").close()
    asked = {
        "totpctl unlock ali": ["alice"],
        "totpctl enroll bob ali": ["alice"],
        "totpctl export x ali": ["alice"],
        "totp-enroll --user ali": ["alice"],
        "totpctl --conf /etc/hosts unl": ["unlock"],
        "totpctl --conf=/etc/hosts unl" if isinstance(shell, Zsh) else
        "totpctl --conf = /etc/hosts unl": ["unlock"],
        "totpctl test --service pass": ["passwd"],
        "totpctl test --service=pass" if isinstance(shell, Zsh) else
        "totpctl test --service = pass": ["passwd"],
        "totp-enroll enroll --qr a": ["ansi", "ascii", "auto"],
        "totpctl unlock bob ali": ["alice"],
        "totpctl show bob ali": ["alice"],
        "totpctl resync alice ": [],
        "totpctl list ": [],
        "totpctl frobnicate ": [],
    }
    for line, found in zip(asked, shell.ask(*asked)):
        assert found == asked[line], line
    # bash prints the whole path, zsh its last part
    for line in (f"totpctl check {directory}/su", f"totpctl key backup {directory}/su",
                 f"totpctl recovery --save {directory}/su", f"totpctl import csv {directory}/su"):
        found = {os.path.basename(path) for path in shell.ask(line)[0]}
        assert found >= {"sub", "subject"}, line
    for line in f"totpctl import totp-cgi {directory}/su", f"totpctl fleet cert host {directory}/su":
        found = {os.path.basename(path) for path in shell.ask(line)[0]}
        assert "sub" in found and "subject" not in found, line


def test_bash_completes_at_the_keyboard(host):
    directory = f"{DIR}/at hand"
    os.makedirs(directory, exist_ok=True)
    open(f"{directory}/the policy", "w").close()
    child = Terminal("bash", ["--norc", "--noprofile", "-i"], cwd=directory,
                     env={"PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "READY ",
                          "HOME": "/root"})
    child.expect_exact("READY ")
    child.sendline(f"source {COMPLETIONS}/totpctl.bash")
    child.expect_exact("READY ")
    child.send("totpctl check the\t")
    child.expect_exact("totpctl check the\\ policy ")
    child.sendcontrol("u")
    child.send("totpctl unl\t")
    child.expect_exact("totpctl unlock ")
    child.send("bo\t")
    child.expect_exact("bob")
    child.close(force=True)
