# SPDX-License-Identifier: BSD-2-Clause
"""Text files as .editorconfig wants them, without notes to ourselves and paths of one machine."""

import re

import tree

# Split, so that they are not found here. A TAP directive follows '"# ' or is quoted.
NOTES = re.compile(r'(?<!"# )(?<!")\b(' + "|".join(["TO" "DO", "FIX" "ME", "XX" "X"]) + r")\b")
PATHS = re.compile(r"(?<![\w$}])/wo" r"rk/")


def is_text(name):
    if name.startswith("tests/fuzz/corpus/") or name.endswith((".patch", ".png")):
        return False
    return b"\0" not in (tree.TOP / name).read_bytes()


def check_line(findings, place, line):
    note = NOTES.search(line)
    if note:
        findings.report(place, f"{note.group()}: do it, or write it into an issue")
    if PATHS.search(line):
        findings.report(place, "a path of one machine")
    if line != line.rstrip():
        findings.report(place, "blanks at the end of the line")


def main():
    findings = tree.Findings()
    names = [name for name in tree.files() if is_text(name)]
    for name in names:
        text = (tree.TOP / name).read_bytes().decode(errors="replace")
        if text and not text.endswith("\n"):
            findings.report(name, "no line feed at the end")
        for number, line in enumerate(text.split("\n"), 1):
            check_line(findings, f"{name}:{number}", line)
    findings.leave(len(names))


main()
