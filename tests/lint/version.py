# SPDX-License-Identifier: BSD-2-Clause
"""
The version is written in meson.build; the programs print it, the newest entries of NEWS.md and of
debian/changelog and the spec file of the RPM are about it, and no other file repeats it. Arguments:
the programs.
"""

import re
import subprocess
import sys

import tree

ENTRIES = {"NEWS.md": r"^## (\S+) \((?:not released yet|\d{4}-\d\d-\d\d)\)$",
           "debian/changelog": r"\Apam-totp \((\S+)-\S+\) ",
           "packaging/rpm/pam_totp.spec": r"^Version:\s+(\S+)$"}


def version_of(name, pattern):
    found = re.search(pattern, tree.read(name), re.M)
    return found and found[1]


def check_programs(findings, version):
    for program in sys.argv[1:]:
        said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
        if not said.endswith(f" (pam_totp) {version}\n"):
            findings.report(program, f"prints {said!r} as its version, expected {version}")


def check_copies(findings, version):
    """Would a copy be forgotten at the next release?"""
    pattern = re.compile(rf"(?<![\d.]){re.escape(version)}(?![\d.])")
    for name in tree.files():
        if name not in ENTRIES and name != "meson.build" and pattern.search(tree.read(name)):
            findings.report(name, f"repeats the version {version} of meson.build")


def main():
    findings = tree.Findings()
    version = version_of("meson.build", r"^\tversion: '(\d+\.\d+\.\d+)',$")
    if not version:
        findings.report("meson.build", "has no version such as 1.2.3")
        findings.leave(1)
    for name, pattern in ENTRIES.items():
        found = version_of(name, pattern)
        if found != version:
            findings.report(name, f"its newest entry is about {found}, expected {version}")
    check_programs(findings, version)
    check_copies(findings, version)
    findings.leave(len(ENTRIES) + len(sys.argv))


main()
