# SPDX-License-Identifier: BSD-2-Clause
"""What the lints share: the files of the repository, and how a finding is printed."""

import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent


def git_files():
    """Tracked files and new ones; None where this is not a git checkout."""
    try:
        out = subprocess.run(
            ["git", "-C", TOP, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return [name for name in out.decode().split("\0") if name]


def walked_files():
    """The same for an unpacked release: everything that is not made by a build or by Python."""
    for directory, subdirectories, names in os.walk(TOP):
        here = pathlib.Path(directory)
        subdirectories[:] = [name for name in subdirectories
                             if name not in ("build", ".git", "__pycache__", ".pytest_cache")
                             and not (here / name / "meson-private").is_dir()]
        yield from (str((here / name).relative_to(TOP)) for name in names)


def files():
    names = git_files()
    return sorted(name for name in (walked_files() if names is None else names)
                  if (TOP / name).is_file())


def c_files():
    return [name for name in files() if name.endswith((".c", ".h"))]


def is_product(name):
    """Is this file part of the installed program, and not of its tests?"""
    return not name.startswith(("tests/", "bench/"))


def read(name):
    return (TOP / name).read_text(errors="replace")


def code_of(text):
    """C without comments and without the contents of strings; lines keep their numbers."""
    def blank(match):
        kept = "\n" * match.group().count("\n")
        return '""' + kept if match.group().startswith('"') else " " + kept
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def tool():
    """The program named by the first argument; without it the test is skipped."""
    if sys.argv[1] == "none":
        print("skipped: the tool is not installed")
        sys.exit(77)
    return sys.argv[1]


class Findings:
    def __init__(self):
        self.count = 0

    def report(self, place, sentence):
        print(f"{place}: {sentence}")
        self.count += 1

    def leave(self, looked_at):
        print(f"{looked_at} looked at, {self.count} found")
        sys.exit(1 if self.count or not looked_at else 0)
