# SPDX-License-Identifier: BSD-2-Clause
"""
What the module loads into a process: the functions of PAM's interface and nothing else, no library
that a login does not need, few bytes. Argument: the built module.
"""

import pathlib
import re
import subprocess
import sys

import tree

LIBRARIES = {"libpam.so.0", "libcrypto.so.3", "libc.so.6"}
SIZE_MAX = 150 * 1024
# the dynamic linker, which some platforms name for thread-local storage
LOADER = re.compile(r"ld-linux.*\.so\.\d")


def readelf(*args):
    return subprocess.run(["readelf", "--wide", *args], check=True, capture_output=True,
                          text=True).stdout


def exports(module):
    for line in readelf("--dyn-syms", module).splitlines():
        columns = line.split()
        if len(columns) >= 8 and columns[4] in ("GLOBAL", "WEAK", "UNIQUE") and columns[6] != "UND":
            yield columns[7]


def loaded_size(module):
    """Bytes that a process gets: without symbols, and without what pads segments to pages."""
    said = subprocess.run(["size", module], check=True, capture_output=True, text=True).stdout
    return int(said.splitlines()[1].split()[3])


def main():
    module = sys.argv[1]
    findings = tree.Findings()
    listed = set(re.findall(r"\b(pam_sm_\w+);", tree.read("pam_totp.map")))
    seen = set(exports(module))
    dynamic = readelf("--dynamic", module)
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
    segments = readelf("--segments", module)
    size = loaded_size(module)

    for symbol in sorted(seen ^ listed):
        findings.report(module, f"{symbol}: {'exported' if symbol in seen else 'not exported'}, "
                              "against pam_totp.map")
    for library in sorted(needed - LIBRARIES):
        if not LOADER.match(library):
            findings.report(module, f"needs {library}")
    if size > SIZE_MAX:
        findings.report(module, f"{size} bytes are loaded, expected at most {SIZE_MAX}")
    if not re.search(r"\bNOW\b", dynamic) or "GNU_RELRO" not in segments:
        findings.report(module, "not linked with -z relro -z now")
    if not re.search(r"GNU_STACK.*\bRW +0x", segments):
        findings.report(module, "the stack is executable")
    print(f"exports {', '.join(sorted(seen))}; needs {', '.join(sorted(needed))}; "
          f"{size} bytes loaded")
    findings.leave(1)


main()
