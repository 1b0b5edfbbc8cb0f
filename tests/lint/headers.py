# SPDX-License-Identifier: BSD-2-Clause
"""Every header of the product compiles alone. Arguments: the compiler and its flags."""

import concurrent.futures
import subprocess
import sys

import tree

# as in the build: include paths name the layer, and in the tools the subject
INCLUDE_ROOTS = ["lib", ".", "enroll-tool"]


def compile_alone(name):
    flags = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-unused-function", "-Werror",
             "-fsyntax-only", *(f"-I{tree.TOP / root}" for root in INCLUDE_ROOTS)]
    # through an empty file, since a header given by itself is not "included"
    return subprocess.run([*sys.argv[1:], *flags, "-include", tree.TOP / name, "-x", "c",
                           "/dev/null"], capture_output=True, text=True)


def main():
    findings = tree.Findings()
    headers = [name for name in tree.c_files()
               if name.endswith(".h") and tree.is_product(name)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, result in zip(headers, pool.map(compile_alone, headers)):
            if result.returncode:
                findings.report(name, "does not compile alone\n" + result.stderr)
    findings.leave(len(headers))


main()
