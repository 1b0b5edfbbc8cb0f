# SPDX-License-Identifier: BSD-2-Clause
"""
Functions that fit on a screen. Functions over 60 lines are printed, and over 100 a failure;
files over 500 lines are printed. Argument: universal-ctags.
"""

import json
import statistics
import subprocess

import tree

LONG, TOO_LONG, LONG_FILE = 60, 100, 500


def functions(names):
    tags = subprocess.run([tree.tool(), "--options=NONE", "--languages=C", "--langmap=C:.c.h",
                           "--output-format=json", "--fields=+ne", "--kinds-c=f", "-f", "-",
                           *names],
                          cwd=tree.TOP, check=True, capture_output=True, text=True).stdout
    for line in tags.splitlines():
        tag = json.loads(line)
        if tag["_type"] == "tag":
            yield tag["path"], tag["line"], tag["name"], tag["end"] - tag["line"] + 1


def main():
    names = tree.c_files()
    found = sorted(functions(names), key=lambda function: -function[3])
    ours = sorted(lines for path, _, _, lines in found if tree.is_product(path))
    findings = tree.Findings()

    for path, line, name, lines in found:
        if lines > TOO_LONG:
            findings.report(f"{path}:{line}", f"{name} has {lines} lines, expected at most {TOO_LONG}")
        elif lines > LONG:
            print(f"{path}:{line}: {name} has {lines} lines")
    for name in names:
        lines = len(tree.read(name).splitlines())
        if lines > LONG_FILE:
            print(f"{name}: {lines} lines")
    print(f"of the {len(ours)} functions of the product half have at most "
          f"{statistics.median_low(ours)} lines, 95 % at most {ours[len(ours) * 95 // 100]}")
    findings.leave(len(found))


main()
