# SPDX-License-Identifier: BSD-2-Clause
"""Each numbered promise of SECURITY.md names tests, and every test that is named exists."""

import re

import tree

PAGE = "SECURITY.md"


def defines(path, name):
    """Is `name` a test of this file? In C it must also be listed, or it would never run."""
    text = tree.read(path)
    if path.endswith(".py"):
        return re.search(rf"^\s*def {name}\(", text, re.M) is not None
    if not path.endswith(".c"):
        return re.search(rf"\b{name}\b", text) is not None
    code = tree.code_of(text)
    return (re.search(rf"^static void {name}\(", code, re.M) is not None
            and len(re.findall(rf"\b{name}\b", code)) > 1)


def main():
    findings = tree.Findings()
    page = tree.read(PAGE)
    section = re.search(r"^## Promises\n(.*?)^## ", page, re.M | re.S).group(1)
    promises = re.split(r"^(\d+)\. ", section, flags=re.M)[1:]

    for expected, (number, text) in enumerate(zip(promises[::2], promises[1::2]), 1):
        if int(number) != expected:
            findings.report(PAGE, f"promise {number} should be {expected}")
        if not re.search(r"`tests/[\w./-]+:\w+`", text):
            findings.report(PAGE, f"promise {number} names no test")
    for path, name in re.findall(r"`(tests/[\w./-]+):(\w+)`", page):
        if not (tree.TOP / path).is_file():
            findings.report(PAGE, f"{path}: no such file")
        elif not defines(path, name):
            findings.report(PAGE, f"{path}:{name}: no such test")
    findings.leave(len(promises) // 2)


main()
