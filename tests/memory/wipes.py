# SPDX-License-Identifier: BSD-2-Clause
"""
Where programs wipe, and what: what keep.c's library notes, as lines of the sources; and the wipes that
remove nothing that is looked for, which useless.txt lists with the reason.
"""
import collections
import os
import re
import subprocess

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
# what wipes for others: the place is where it is called
WIPER = re.compile(r"explicit_bzero$|(\w+_)?(wipe|scope_end|free|drop|end|forget|close)$")

Site = collections.namedtuple("Site", "file function line")


def name(site):
    return f"{site.file} {site.function}"


class Wipes:
    """Of programs of a build: {file name: its path}."""

    def __init__(self, programs):
        self.programs = programs
        self.frames = {}

    def frame(self, program, offset):
        """[(function, file, line)], from the innermost inlined one outwards."""
        key = program, offset
        if key not in self.frames:
            shown = subprocess.run(["addr2line", "-f", "-i", "-e", self.programs[program], hex(offset - 1)],
                                   capture_output=True, text=True, check=True).stdout.splitlines()
            self.frames[key] = [(function, *place.split(" ")[0].rsplit(":", 1))
                                for function, place in zip(shown[::2], shown[1::2])]
        return self.frames[key]

    def site(self, place):
        """None: of a program that is not one of these."""
        frames = []
        for word in place.split():
            program, _, offset = word.rpartition("+")
            if program not in self.programs:
                break
            frames += self.frame(program, int(offset, 16))
        while len(frames) > 1 and WIPER.match(frames[0][0]):
            frames.pop(0)
        if not frames or frames[0][1] == "??":
            return None
        function, path, line = frames[0]
        return Site(os.path.relpath(os.path.normpath(path), TOP), function, int(line))

    def sites(self, noted, needles):
        """{site: was one of the needles in what was wiped there?}, of what keep.c's library noted."""
        found = {}
        with open(noted, encoding="ascii") as file:
            for line in file:
                place, _, data = line.rstrip("\n").partition(" = ")
                data = bytes.fromhex(data)
                found[place] = found.get(place, False) or any(needle in data for needle in needles)
        sites = {}
        for place, is_useful in found.items():
            site = self.site(place)
            if site:
                sites[site] = sites.get(site, False) or is_useful
        return sites


def useless():
    """{file and function: the reason for a wipe that removes nothing that is looked for}."""
    rows = {}
    with open(os.path.join(os.path.dirname(__file__), "useless.txt"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                what, _, why = line.strip().partition(": ")
                rows[what] = why
    return rows
