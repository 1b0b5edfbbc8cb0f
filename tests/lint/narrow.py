# SPDX-License-Identifier: BSD-2-Clause
"""
CLANG BUILD: the program compiles for a 32-bit machine with 64-bit time, without a warning, by what clang says
of the commands of that build: an integer that is too large there is not narrowed in silence.
"""

import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

import tree

ALONE = ("-c", "-MD")         # options that say to do more than to look
PAIRS = ("-o", "-MF", "-MQ")  # the same, with an argument


def looked_at(command):
    words = iter(shlex.split(command)[1:])
    for word in words:
        if word in PAIRS:
            next(words)
        elif word not in ALONE and not word.startswith(("-f", "-m")):  # of other compilers and machines
            yield word


def main():
    clang, build = tree.tool(), pathlib.Path(sys.argv[2])
    machine = subprocess.run(["gcc", "-print-multiarch"], check=True, capture_output=True,
                             text=True).stdout.strip()
    wrong = 0
    with tempfile.TemporaryDirectory() as stubs:
        # all that a header of glibc lacks here: a file without a stub
        (pathlib.Path(stubs) / "gnu").mkdir()
        (pathlib.Path(stubs) / "gnu/stubs-32.h").touch()
        for entry in json.loads((build / "compile_commands.json").read_text()):
            path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
            if path.suffix != ".c" or not path.is_relative_to(tree.TOP) or \
                    path.relative_to(tree.TOP).parts[0] in ("tests", "bench"):
                continue
            done = subprocess.run(
                [clang, "--target=i386-linux-gnu", "-fsyntax-only", "-D_TIME_BITS=64",
                 "-D_FILE_OFFSET_BITS=64", "-Wno-unknown-warning-option", "-Werror",
                 *looked_at(entry["command"]), "-isystem", stubs,
                 "-isystem", f"/usr/include/{machine}"],
                cwd=entry["directory"], capture_output=True, text=True, check=False)
            if done.returncode:
                print(done.stderr)
                wrong += 1
    sys.exit(f"{wrong} files have a warning on 32-bit" if wrong else 0)


main()
