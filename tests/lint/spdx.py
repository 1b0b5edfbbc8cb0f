#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Each file names its license: the first line, or the second one where the first has another meaning
to a program. With --add it inserts the line where it is missing.
"""

import pathlib
import re
import sys
import tempfile

import tree

LICENSE = "SPDX-License-Identifier: BSD-2-Clause"  # as in LICENSE, meson.build and debian/copyright

# The first row that matches a name says how a comment begins and ends there; None: it has none.
COMMENTS = [
    (r"^tests/(fuzz/corpus|stacks)/", None),  # what a program is to read
    (r"\.(svg|png|tsv|patch|diff|json)$", None),
    (r"^LICENSE$|^conf/pam-configs/", None),  # pam-auth-update knows no comments
    (r"^debian/(changelog|copyright|source/format|po/|.*\.templates$|.*README)", None),
    (r"\.(c|h|map|js|css)$", ("/* ", " */")),
    (r"\.(md|html|html\.in|policy\.in)$", ("<!-- ", " -->")),
    (r"\.rules$", ("// ", "")),
    (r"\.scd$", ("; ", "")),
    (r"", ("# ", "")),
]
# A first line that has to stay the first: of a script, of a completion for zsh, of a manual.
FIRST = re.compile(r"#!|#compdef |[\w.-]+\(\d\)")


def line_of(name):
    """The line that a file of this name is to have, or None."""
    comment = next(comment for pattern, comment in COMMENTS if re.search(pattern, name))
    return comment and comment[0] + LICENSE + comment[1]


def place_of(text):
    """The index of the line."""
    return 1 if FIRST.match(text) else 0


def lacks(directory, name):
    """The line that this file lacks, or None."""
    line, data = line_of(name), (directory / name).read_bytes()
    if not line or not data or b"\0" in data:
        return None
    text = data.decode(errors="replace")
    return None if text.split("\n")[place_of(text):][:1] == [line] else line


def add(directory, name):
    lines = (directory / name).read_text().splitlines(keepends=True)
    lines.insert(place_of(lines[0]), lacks(directory, name) + "\n")
    (directory / name).write_text("".join(lines))


# name: what it holds, and what it holds after --add; the same: it needs no line
SAMPLES = {
    "enroll-tool/a.html.in": ("<p>\n", f"<!-- {LICENSE} -->\n<p>\n"),
    "lib/a.c": ("int a;\n", f"/* {LICENSE} */\nint a;\n"),
    "pam_totp.map": ("{ };\n", f"/* {LICENSE} */\n{{ }};\n"),
    "README.md": ("# A\n", f"<!-- {LICENSE} -->\n# A\n"),
    "man/a.8.scd": ("a(8)\n\n# NAME\n", f"a(8)\n; {LICENSE}\n\n# NAME\n"),
    "scripts/a": ("#!/bin/sh\nset -eu\n", f"#!/bin/sh\n# {LICENSE}\nset -eu\n"),
    "conf/_a": ("#compdef a\na\n", f"#compdef a\n# {LICENSE}\na\n"),
    "meson.build": ("a = 1\n", f"# {LICENSE}\na = 1\n"),
    "late.py": (f"a = 1\n# {LICENSE}\n", f"# {LICENSE}\na = 1\n# {LICENSE}\n"),
    "other.py": (f"# {LICENSE}-Patent\n", f"# {LICENSE}\n# {LICENSE}-Patent\n"),
    "tests/fuzz/corpus/a/b": ("a\n", "a\n"),
    "conf/pam-configs/a": ("Name: a\n", "Name: a\n"),
    "docs/a.svg": ("<svg/>\n", "<svg/>\n"),
    "binary": ("a\0b\n", "a\0b\n"),
    "empty": ("", ""),
}


def check_itself(findings):
    """Would a missing line be noticed, and is it inserted where it belongs?"""
    with tempfile.TemporaryDirectory() as made:
        directory = pathlib.Path(made)
        for name, (before, after) in SAMPLES.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(before)
            if (lacks(directory, name) is None) != (before == after):
                findings.report(name, "a missing line is not noticed, or one too many is wanted")
            if lacks(directory, name):
                add(directory, name)
            if (directory / name).read_text() != after or lacks(directory, name):
                findings.report(name, "the line is not inserted where it belongs")


def main():
    findings = tree.Findings()
    check_itself(findings)
    names = tree.files()
    for name in names:
        line = lacks(tree.TOP, name)
        if line and "--add" in sys.argv:
            add(tree.TOP, name)
        elif line:
            findings.report(name, f"lacks the line {line} (tests/lint/spdx.py --add inserts it)")
    if not re.search(r"^\tlicense: 'BSD-2-Clause',$", tree.read("meson.build"), re.M):
        findings.report("meson.build", "has no license: 'BSD-2-Clause'")
    findings.leave(len(names))


main()
