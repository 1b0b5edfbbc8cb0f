# SPDX-License-Identifier: BSD-2-Clause
"""
The manual against the option table: every setting is documented with its default, and nothing else
is. The pages among themselves: each names all others, with their sections, and an example keeps its
backslashes. Argument: the program print-keys.
"""

import pathlib
import re
import subprocess
import sys

import tree

CONF = "man/pam_totp.conf.5.scd"
MODULE = "man/pam_totp.8.scd"
EXAMPLE = "conf/pam_totp.conf"


def table(program):
    """name -> (places, default)"""
    lines = subprocess.run([pathlib.Path(program).resolve()], check=True, capture_output=True,
                           text=True).stdout
    rows = [line.split("\t") for line in lines.splitlines()]
    return {name: (places.split(), default) for name, places, default in rows}


def usual_paths():
    """Defaults of the build options, which may differ in this build."""
    return dict(re.findall(r"option\('(\w+)', type: 'string', value: '(/[^']*)'",
                           tree.read("meson_options.txt")))


def conf_keys():
    """Lines such as "*window* = 1" at the left margin."""
    return dict(re.findall(r"^\*(\w+)\* =[ \t]*(.*)$", tree.read(CONF), re.M))


def module_arguments():
    """Entries such as "*prompt=*_TEXT_" and "*debug*" of ARGUMENTS, with their defaults."""
    section = re.search(r"^# ARGUMENTS\n(.*?)^# ", tree.read(MODULE), re.M | re.S).group(1)
    entries = re.split(r"^\*(\w+)=?\*(?:_\w+_)?$", section, flags=re.M)[1:]
    defaults = {}
    for name, text in zip(entries[::2], entries[1::2]):
        said = re.search(r"Default:\s+(\"[^\"]*\"|\S+)", text)
        defaults[name] = said and said.group(1).rstrip(".,").strip("*_")
    return defaults


def may_be_arguments():
    """The same, as the other page counts them."""
    sentence = re.search(r"Only (.*?)which\s+cannot\s+be\s+in", tree.read(CONF), re.S).group(1)
    return set(re.findall(r"\*(\w+)\*", sentence)) - {"conf"}


def example_keys():
    return set(re.findall(r"^#? ?(\w+) =", tree.read(EXAMPLE), re.M))


def look_at_pages(findings):
    pages = {re.match(r"[\w.-]+\(\d\)", tree.read(name)).group(): name
             for name in tree.files() if name.endswith(".scd")}
    names = {page.split("(")[0] for page in pages}
    for page, name in pages.items():
        text = tree.read(name)
        for link in re.findall(r"\*([\w.-]+)\*(\(\d\))", text):
            if link[0] in names and "".join(link) not in pages:
                findings.report(name, f"there is no {''.join(link)}")
        also = re.findall(r"\*([\w.-]+)\*(\(\d\))", text.partition("# SEE ALSO\n")[2])
        for other in sorted(pages.keys() - {"".join(link) for link in also} - {page}):
            findings.report(name, f"SEE ALSO lacks {other}")
        for block in re.findall(r"^```\n(.*?)^```$", text, re.M | re.S):
            if re.search(r"(?<!\\)(?:\\\\)*\\(?!\\)", block):
                findings.report(name, "scdoc takes a single backslash out of an example")


def compare(findings, place, documented, expected):
    for name in sorted(documented.keys() | expected.keys()):
        if name not in documented:
            findings.report(place, f"{name} is not documented")
        elif name not in expected:
            findings.report(place, f"{name} is documented, but there is no such option here")
        elif documented[name] != expected[name]:
            findings.report(place, f"{name}: the manual gives the default {documented[name]!r}, "
                                 f"and is {expected[name]!r}")


def main():
    findings = tree.Findings()
    keys = table(sys.argv[1])
    usual = usual_paths()
    in_file = {name: usual.get(name, default)
               for name, (places, default) in keys.items() if "file" in places}
    in_args = {name: default or "none"
               for name, (places, default) in keys.items() if "args" in places}

    compare(findings, CONF, conf_keys(), in_file)
    arguments = module_arguments()
    # only the module has it: which file is read
    if arguments.pop("conf", None) != usual["policy_file"]:
        findings.report(MODULE, f"conf: its default is not {usual['policy_file']}")
    compare(findings, MODULE, arguments, in_args)
    for name in sorted(may_be_arguments() ^ in_args.keys()):
        findings.report(CONF, f"{name}: may it be an argument?")
    for name in sorted(example_keys() - in_file.keys()):
        findings.report(EXAMPLE, f"{name}: there is no such key")
    for name in sorted(in_file.keys() - example_keys()):
        findings.report(EXAMPLE, f"{name} is left out")
    look_at_pages(findings)
    findings.leave(len(keys))


main()
