# SPDX-License-Identifier: BSD-2-Clause
"""Every C file is as clang-format leaves it. Argument: clang-format."""

import re
import subprocess

import tree


def main():
    findings = tree.Findings()
    clang_format = tree.tool()
    names = tree.c_files()
    result = subprocess.run([clang_format, "--style=file", "--dry-run", "-Werror", *names],
                            cwd=tree.TOP, capture_output=True, text=True)
    unformatted = re.findall(r"^(\S+?):\d+:\d+: error", result.stderr, re.M)
    for name in sorted(set(unformatted)):
        findings.report(name, f"{unformatted.count(name)} places not formatted: "
                            f"run {clang_format} -i {name}")
    if result.returncode and not unformatted:
        findings.report(clang_format, result.stderr)
    findings.leave(len(names))


main()
